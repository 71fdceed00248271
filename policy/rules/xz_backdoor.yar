// SPDX-License-Identifier: Apache-2.0
//
// The xz back door (CVE-2024-3094) by what is the same in every known build of it: Debian 5.6.0 and 5.6.1,
// Fedora 5.6.1, a researcher's build, both published objects, and copies with another key. The prologue of the
// false _get_cpuid (V. Nossum), a second fragment (C. Raiu), 40 bytes of each of the two tries that hide the
// names (data: no compiler or key changes them), and 40 bytes of each of 34 functions. Bytes that the clean
// 5.6.1 twin or any of 5,156 other files hold are not among them, nor prologues and epilogues of the usual kind.
//
// Two rules with the same strings, because each finding shows its own evidence; tests/cli/rules.bats holds them
// equal.

rule xz_backdoor
{
    meta:
        id = "XZ-BACKDOOR-001"
        description = "liblzma back door CVE-2024-3094: two or more pieces of its payload"
        severity = "critical"
        confidence = "high"
        remedy = "Do not run this image; rebuild it on a base with a fixed xz (5.6.1+really5.4.5-1, 5.6.2 or later) and replace keys of hosts that ran sshd with it."
        source = "oss-security 2024-03-29/4 (V. Nossum); C. Raiu; amlweems/xzbot, karcherm/xz-malware, smx-smx/xzre (measured)"
    strings:
        $prologue = { f3 0f 1e fa 55 48 89 f5 4c 89 ce 53 89 fb 81 e7 00 00 00 80 48 83 ec 28 48 89 54 24 18 48 89 4c 24 10 }
        $fragment2 = { 48 bf 30 30 30 30 30 30 30 30 8b f1 49 89 d1 89 43 28 48 89 3c 24 bf 3f fc ff 03 }
        $trie_table_1 = { 0d 90 03 d8 0c 10 02 14 0c 60 04 4c 0b 60 04 34 0b 10 04 24 0b e0 05 78 0a 90 04 3c 0a 70 01 c8 08 c0 05 50 08 80 05 fc }
        $trie_table_2 = { 00 00 00 00 00 40 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 04 00 00 00 00 00 00 21 80 00 00 be 18 bc 80 92 30 ad 83 }
        $code_x86_codd = { ff 48 d3 ef 40 80 e7 01 74 21 eb 08 8d 48 a0 83 f9 03 77 17 48 89 d0 4c 29 e0 88 43 50 41 81 f8 00 3a 00 00 74 6b e9 91 }
        $code_lzip_decoder_memconfia = { 48 85 c0 79 0f 41 ff 54 24 50 83 38 04 74 d7 e9 74 fe ff ff 0f 84 6e fe ff ff 48 29 c3 75 c7 41 83 ff 02 75 12 49 8b 44 }
        $code_get_literal_prica = { 16 7f 2b 48 83 ea 02 48 83 fa 06 76 35 ff c1 48 83 c0 10 39 4c 24 0c 0f 84 07 01 00 00 48 8b 50 f8 48 85 d2 75 a5 89 4b }
        $code_lzma_index_iter_locata = { 1a 80 e2 20 8a 44 24 48 74 11 0f b6 54 24 43 c1 e2 03 83 e2 08 0b c2 eb 02 31 c0 41 38 c2 75 4b 48 8b 7c 24 68 48 81 ff }
        $code_lzma_index_stream_siza = { 48 39 c3 0f 82 f8 01 00 00 85 ff 75 07 45 85 f6 75 19 eb 37 4c 89 04 24 89 fa 89 fe ff d1 4c 8b 04 24 ff c0 75 e7 e9 d6 }
        $code_lzma_lzma_encoder_resea = { 8d 50 e8 4c 39 ea 41 0f 93 c2 48 83 f8 18 40 0f 95 c7 41 84 fa 74 1b 48 83 c0 04 48 39 44 24 08 72 10 e9 b6 00 00 00 3d }
        $code_lzma_index_hash_inia = { ff c8 3c 01 77 be 8a 44 24 78 40 8a 74 24 79 66 81 e1 40 10 41 89 c1 41 80 e1 40 75 09 31 d2 66 85 c9 75 4a eb 6a 24 20 }
        $code_parse_lzma12z = { 8b 73 20 31 c0 8a 0c 06 88 0c 02 48 ff c0 48 83 f8 07 75 f1 4d 85 ed c6 84 24 57 02 00 00 5d 40 0f 95 c5 83 7b 08 00 c7 }
        $code_microlzma_decoda = { 4e 8d 04 23 4d 39 f8 73 80 49 29 d7 48 89 d3 44 89 e8 4d 89 fc e9 6f ff ff ff 45 85 db 74 92 89 c0 4c 89 ca 48 2b 51 08 }
        $code_lzma_lzma_set_out_limia = { cb 75 32 31 c0 eb 21 8a 5c 24 68 a8 20 74 0d 0f b6 44 24 63 c1 e0 03 83 e0 08 09 c3 41 38 cb 75 14 80 fb 07 74 2b 89 d8 }
        $code_powerpc_coda = { c0 74 32 49 8d 54 24 ff 48 8d 73 01 44 89 f1 4c 89 ef 48 29 da e8 c8 fe ff ff 85 c0 0f 95 c0 0f b6 c0 eb 11 48 ff c7 e9 }
        $code_lzma_index_dua = { 41 ff 54 24 40 4c 8b 44 24 20 49 39 c0 0f 85 27 01 00 00 4c 89 f1 49 8d 70 04 48 8b 7c 24 18 4d 89 e0 48 29 d9 48 8d 54 }
        $code_lzma_bufcpa = { 01 c0 eb 18 f6 44 24 49 10 74 2b 44 8a 74 24 58 a8 20 74 0e 0f b6 44 24 53 c1 e0 03 83 e0 08 41 09 c6 45 84 f6 74 0f 48 }
        $code_file_info_decoda = { 29 d6 33 c0 4c 39 ce 0f 82 cd 02 00 00 49 39 c1 74 11 40 8a b4 05 a0 00 00 00 40 88 34 01 48 ff c0 eb ea 48 8b 7d 28 44 }
        $code_lzma_index_encoder_inia = { 40 00 48 39 c8 0f 82 d8 fe ff ff 49 83 7c 24 18 00 0f 84 cc fe ff ff 4c 89 62 10 e9 f4 fe ff ff 48 83 7a 18 00 0f 85 b8 }
        $code_worker_stara = { 00 31 c0 49 89 f6 48 8d 1c 01 31 d2 49 29 c6 44 8a 14 13 45 38 14 10 7f 0d 7c 0b 48 ff c2 48 83 fa 07 75 eb eb 2a 31 d2 }
        $code_lz_encoder_prepara = { 02 4c 39 f3 76 09 4c 39 fb 73 04 48 89 43 08 49 8b 45 28 48 85 c0 74 4f 48 81 38 ff ff ff 00 eb 44 49 8b 4d 28 3d 98 07 }
        $code_auto_decoder_iniz = { 02 73 03 48 89 02 48 39 c6 74 e0 48 83 c2 20 4c 39 fa 75 c9 e9 25 ff ff ff 4c 8d 6c 24 30 48 8b 7c 24 08 31 f6 4d 89 e8 }
        $code_lzma_delta_encoder_inia = { 0c 24 4d 89 f0 4c 8b 54 24 08 48 89 c6 48 89 df 41 ff d2 ff c8 75 5c 4c 8d 74 24 1c 45 89 e0 4c 89 e9 48 89 ee 4c 89 f2 }
        $code_hc_find_funa = { 4d 89 e8 bf 01 00 00 00 ff d0 85 c0 79 18 49 8b 44 24 10 ff 50 50 83 38 0e 74 05 48 85 db 75 06 31 d2 89 10 eb 86 48 81 }
        $code_index_tree_appena = { c9 31 ff 31 c0 45 39 d0 73 79 49 6b c8 38 48 03 4b 10 83 39 01 75 67 8b 51 04 83 e2 07 83 fa 04 75 5c 4c 8b 59 28 4c 89 }
        $code_lzma_filters_updata = { 41 54 49 89 f4 55 4c 89 c5 53 48 89 fb 48 83 ec 60 4d 85 c0 48 8d 7c 24 08 f3 ab 48 8d 44 24 08 48 0f 44 e8 4c 39 e3 73 }
        $code_lzma_rc_pricea = { 78 04 00 74 dc 40 8a 3f 41 89 fa 41 80 e2 08 74 09 83 be 90 00 00 00 00 75 60 4c 8b 01 4d 85 c0 74 17 4c 3b 46 58 72 11 }
        $code_lzma_block_decoder_inia = { 77 ca 83 c3 07 c1 eb 03 74 c2 89 dd 49 83 ef 06 49 39 ef 72 b7 4d 8d 7d 05 41 c6 45 04 00 48 8b 7c 24 08 4c 89 fe 41 ff }
        $code_lzma_mf_bt4_fina = { 40 31 c0 f3 ab 41 8b 04 9a 48 c1 e0 05 4c 01 f0 48 8b 78 08 48 85 ff 74 22 48 8b 70 10 48 8b 0c 24 4d 89 e1 4d 8d 44 dd }
        $code_lzma_filters_copa = { 49 89 f8 48 89 cd 48 8d 7c 24 36 b9 fa 0f 00 00 f3 aa 31 c9 0f 11 44 24 26 48 89 4c 24 08 48 85 ed 74 05 4d 85 c0 75 07 }
        $code_stream_encoder_updatz = { d1 4d 89 c4 31 db 4d 85 c0 74 03 49 8b 18 4d 29 fe 48 89 44 24 18 45 31 d2 4c 89 74 24 08 48 8b 44 24 18 48 39 c3 0f 83 }
        $code_stream_encoder_updata = { 1f 4d 89 cc 89 c6 4d 29 dc 48 39 f2 73 3b 48 6b ca 18 48 03 4f 78 83 79 08 08 75 28 48 8b 41 10 4d 85 c9 75 05 4c 01 d8 }
        $code_bt_find_funa = { 85 c0 79 0a ff 53 50 83 38 04 74 e7 eb ce 74 cc 48 01 c5 49 29 c5 75 db 4c 89 e0 5b 5d 41 5c 41 5d 41 5e c3 c3 0f 1f 84 }
        $code_lzma_delta_props_encoda = { 04 24 4d 8d 55 18 31 c9 48 83 ca ff 48 8b 70 10 49 8d 45 68 eb 21 48 8b 3e 4c 39 d7 72 15 48 3b c2 49 89 d3 4c 0f 46 d8 }
        $code_lzma_lz_encoder_memusaga = { 00 07 05 75 77 48 8b 44 24 38 48 01 d0 48 03 44 24 68 4c 39 e0 72 65 4c 39 f0 4c 0f 42 e8 eb 5c 4d 85 ed 74 57 3d 7f 01 }
        $code_transfora = { 41 56 41 55 49 89 fd 41 54 53 48 83 c4 80 49 39 f5 48 89 4c 24 18 48 8d 7c 24 28 b9 16 00 00 00 f3 ab 0f 94 c0 4d 85 ed }
        $code_lzma_coda = { 03 48 8b 4e 10 48 8b 5e 20 8b f7 4c 89 4c 24 08 c1 ee 1f 48 85 d2 0f 94 c2 40 08 f2 75 05 48 85 c0 75 16 48 85 c9 74 0d }
        $code_lzma_check_updata = { 00 eb 59 48 ff c6 3b f7 73 56 48 6b ce 38 48 03 4b 10 83 39 01 75 ec f6 41 04 01 74 e6 48 89 d0 48 8b 51 28 48 2b 43 08 }
    condition:
        2 of them
}

rule xz_backdoor_single
{
    meta:
        id = "XZ-BACKDOOR-002"
        description = "one piece of the payload of the liblzma back door CVE-2024-3094, and no second one"
        severity = "medium"
        confidence = "low"
        remedy = "Compare the file with its package; tools that look for the back door hold one piece too."
        source = "oss-security 2024-03-29/4 (V. Nossum); C. Raiu; amlweems/xzbot, karcherm/xz-malware, smx-smx/xzre (measured)"
    strings:
        $prologue = { f3 0f 1e fa 55 48 89 f5 4c 89 ce 53 89 fb 81 e7 00 00 00 80 48 83 ec 28 48 89 54 24 18 48 89 4c 24 10 }
        $fragment2 = { 48 bf 30 30 30 30 30 30 30 30 8b f1 49 89 d1 89 43 28 48 89 3c 24 bf 3f fc ff 03 }
        $trie_table_1 = { 0d 90 03 d8 0c 10 02 14 0c 60 04 4c 0b 60 04 34 0b 10 04 24 0b e0 05 78 0a 90 04 3c 0a 70 01 c8 08 c0 05 50 08 80 05 fc }
        $trie_table_2 = { 00 00 00 00 00 40 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00 04 00 00 00 00 00 00 21 80 00 00 be 18 bc 80 92 30 ad 83 }
        $code_x86_codd = { ff 48 d3 ef 40 80 e7 01 74 21 eb 08 8d 48 a0 83 f9 03 77 17 48 89 d0 4c 29 e0 88 43 50 41 81 f8 00 3a 00 00 74 6b e9 91 }
        $code_lzip_decoder_memconfia = { 48 85 c0 79 0f 41 ff 54 24 50 83 38 04 74 d7 e9 74 fe ff ff 0f 84 6e fe ff ff 48 29 c3 75 c7 41 83 ff 02 75 12 49 8b 44 }
        $code_get_literal_prica = { 16 7f 2b 48 83 ea 02 48 83 fa 06 76 35 ff c1 48 83 c0 10 39 4c 24 0c 0f 84 07 01 00 00 48 8b 50 f8 48 85 d2 75 a5 89 4b }
        $code_lzma_index_iter_locata = { 1a 80 e2 20 8a 44 24 48 74 11 0f b6 54 24 43 c1 e2 03 83 e2 08 0b c2 eb 02 31 c0 41 38 c2 75 4b 48 8b 7c 24 68 48 81 ff }
        $code_lzma_index_stream_siza = { 48 39 c3 0f 82 f8 01 00 00 85 ff 75 07 45 85 f6 75 19 eb 37 4c 89 04 24 89 fa 89 fe ff d1 4c 8b 04 24 ff c0 75 e7 e9 d6 }
        $code_lzma_lzma_encoder_resea = { 8d 50 e8 4c 39 ea 41 0f 93 c2 48 83 f8 18 40 0f 95 c7 41 84 fa 74 1b 48 83 c0 04 48 39 44 24 08 72 10 e9 b6 00 00 00 3d }
        $code_lzma_index_hash_inia = { ff c8 3c 01 77 be 8a 44 24 78 40 8a 74 24 79 66 81 e1 40 10 41 89 c1 41 80 e1 40 75 09 31 d2 66 85 c9 75 4a eb 6a 24 20 }
        $code_parse_lzma12z = { 8b 73 20 31 c0 8a 0c 06 88 0c 02 48 ff c0 48 83 f8 07 75 f1 4d 85 ed c6 84 24 57 02 00 00 5d 40 0f 95 c5 83 7b 08 00 c7 }
        $code_microlzma_decoda = { 4e 8d 04 23 4d 39 f8 73 80 49 29 d7 48 89 d3 44 89 e8 4d 89 fc e9 6f ff ff ff 45 85 db 74 92 89 c0 4c 89 ca 48 2b 51 08 }
        $code_lzma_lzma_set_out_limia = { cb 75 32 31 c0 eb 21 8a 5c 24 68 a8 20 74 0d 0f b6 44 24 63 c1 e0 03 83 e0 08 09 c3 41 38 cb 75 14 80 fb 07 74 2b 89 d8 }
        $code_powerpc_coda = { c0 74 32 49 8d 54 24 ff 48 8d 73 01 44 89 f1 4c 89 ef 48 29 da e8 c8 fe ff ff 85 c0 0f 95 c0 0f b6 c0 eb 11 48 ff c7 e9 }
        $code_lzma_index_dua = { 41 ff 54 24 40 4c 8b 44 24 20 49 39 c0 0f 85 27 01 00 00 4c 89 f1 49 8d 70 04 48 8b 7c 24 18 4d 89 e0 48 29 d9 48 8d 54 }
        $code_lzma_bufcpa = { 01 c0 eb 18 f6 44 24 49 10 74 2b 44 8a 74 24 58 a8 20 74 0e 0f b6 44 24 53 c1 e0 03 83 e0 08 41 09 c6 45 84 f6 74 0f 48 }
        $code_file_info_decoda = { 29 d6 33 c0 4c 39 ce 0f 82 cd 02 00 00 49 39 c1 74 11 40 8a b4 05 a0 00 00 00 40 88 34 01 48 ff c0 eb ea 48 8b 7d 28 44 }
        $code_lzma_index_encoder_inia = { 40 00 48 39 c8 0f 82 d8 fe ff ff 49 83 7c 24 18 00 0f 84 cc fe ff ff 4c 89 62 10 e9 f4 fe ff ff 48 83 7a 18 00 0f 85 b8 }
        $code_worker_stara = { 00 31 c0 49 89 f6 48 8d 1c 01 31 d2 49 29 c6 44 8a 14 13 45 38 14 10 7f 0d 7c 0b 48 ff c2 48 83 fa 07 75 eb eb 2a 31 d2 }
        $code_lz_encoder_prepara = { 02 4c 39 f3 76 09 4c 39 fb 73 04 48 89 43 08 49 8b 45 28 48 85 c0 74 4f 48 81 38 ff ff ff 00 eb 44 49 8b 4d 28 3d 98 07 }
        $code_auto_decoder_iniz = { 02 73 03 48 89 02 48 39 c6 74 e0 48 83 c2 20 4c 39 fa 75 c9 e9 25 ff ff ff 4c 8d 6c 24 30 48 8b 7c 24 08 31 f6 4d 89 e8 }
        $code_lzma_delta_encoder_inia = { 0c 24 4d 89 f0 4c 8b 54 24 08 48 89 c6 48 89 df 41 ff d2 ff c8 75 5c 4c 8d 74 24 1c 45 89 e0 4c 89 e9 48 89 ee 4c 89 f2 }
        $code_hc_find_funa = { 4d 89 e8 bf 01 00 00 00 ff d0 85 c0 79 18 49 8b 44 24 10 ff 50 50 83 38 0e 74 05 48 85 db 75 06 31 d2 89 10 eb 86 48 81 }
        $code_index_tree_appena = { c9 31 ff 31 c0 45 39 d0 73 79 49 6b c8 38 48 03 4b 10 83 39 01 75 67 8b 51 04 83 e2 07 83 fa 04 75 5c 4c 8b 59 28 4c 89 }
        $code_lzma_filters_updata = { 41 54 49 89 f4 55 4c 89 c5 53 48 89 fb 48 83 ec 60 4d 85 c0 48 8d 7c 24 08 f3 ab 48 8d 44 24 08 48 0f 44 e8 4c 39 e3 73 }
        $code_lzma_rc_pricea = { 78 04 00 74 dc 40 8a 3f 41 89 fa 41 80 e2 08 74 09 83 be 90 00 00 00 00 75 60 4c 8b 01 4d 85 c0 74 17 4c 3b 46 58 72 11 }
        $code_lzma_block_decoder_inia = { 77 ca 83 c3 07 c1 eb 03 74 c2 89 dd 49 83 ef 06 49 39 ef 72 b7 4d 8d 7d 05 41 c6 45 04 00 48 8b 7c 24 08 4c 89 fe 41 ff }
        $code_lzma_mf_bt4_fina = { 40 31 c0 f3 ab 41 8b 04 9a 48 c1 e0 05 4c 01 f0 48 8b 78 08 48 85 ff 74 22 48 8b 70 10 48 8b 0c 24 4d 89 e1 4d 8d 44 dd }
        $code_lzma_filters_copa = { 49 89 f8 48 89 cd 48 8d 7c 24 36 b9 fa 0f 00 00 f3 aa 31 c9 0f 11 44 24 26 48 89 4c 24 08 48 85 ed 74 05 4d 85 c0 75 07 }
        $code_stream_encoder_updatz = { d1 4d 89 c4 31 db 4d 85 c0 74 03 49 8b 18 4d 29 fe 48 89 44 24 18 45 31 d2 4c 89 74 24 08 48 8b 44 24 18 48 39 c3 0f 83 }
        $code_stream_encoder_updata = { 1f 4d 89 cc 89 c6 4d 29 dc 48 39 f2 73 3b 48 6b ca 18 48 03 4f 78 83 79 08 08 75 28 48 8b 41 10 4d 85 c9 75 05 4c 01 d8 }
        $code_bt_find_funa = { 85 c0 79 0a ff 53 50 83 38 04 74 e7 eb ce 74 cc 48 01 c5 49 29 c5 75 db 4c 89 e0 5b 5d 41 5c 41 5d 41 5e c3 c3 0f 1f 84 }
        $code_lzma_delta_props_encoda = { 04 24 4d 8d 55 18 31 c9 48 83 ca ff 48 8b 70 10 49 8d 45 68 eb 21 48 8b 3e 4c 39 d7 72 15 48 3b c2 49 89 d3 4c 0f 46 d8 }
        $code_lzma_lz_encoder_memusaga = { 00 07 05 75 77 48 8b 44 24 38 48 01 d0 48 03 44 24 68 4c 39 e0 72 65 4c 39 f0 4c 0f 42 e8 eb 5c 4d 85 ed 74 57 3d 7f 01 }
        $code_transfora = { 41 56 41 55 49 89 fd 41 54 53 48 83 c4 80 49 39 f5 48 89 4c 24 18 48 8d 7c 24 28 b9 16 00 00 00 f3 ab 0f 94 c0 4d 85 ed }
        $code_lzma_coda = { 03 48 8b 4e 10 48 8b 5e 20 8b f7 4c 89 4c 24 08 c1 ee 1f 48 85 d2 0f 94 c2 40 08 f2 75 05 48 85 c0 75 16 48 85 c9 74 0d }
        $code_lzma_check_updata = { 00 eb 59 48 ff c6 3b f7 73 56 48 6b ce 38 48 03 4b 10 83 39 01 75 ec f6 41 04 01 74 e6 48 89 d0 48 8b 51 28 48 2b 43 08 }
    condition:
        1 of them and not 2 of them
}

rule xz_backdoor_rekeyed
{
    meta:
        id = "XZ-BACKDOOR-003"
        description = "the public key that xzbot puts into a liblzma with the back door, so that its owner can use it"
        severity = "high"
        confidence = "medium"
        remedy = "Do not run this image: somebody has planted a back door that they hold the key of, or a tool for it."
        source = "amlweems/xzbot 8ae5b706 (measured: plain text at 0x244c0 of both re-keyed libraries)"
    strings:
        $xzbot_key = {
            5b 3a fe 03 87 8a 49 b2 82 32 d4 f1 a4 42 ae bd e1 09 f8 07 ac ef 7d fd 9a 7f 65 b9 62
            fe 52 d6 54 73 12 ca ce cf f0 43 37 50 8f 9d 25 29 a8 f1 66 91 69 b2 1c 32 c4 80 00
        }
    condition:
        $xzbot_key
}

// SPDX-License-Identifier: Apache-2.0
//
// Programs that mine. Four classes of indicators, each of a kind that one sort of clean program holds too:
//
//     $salt_*    Argon2 salts of RandomX, as bytes         nodes and wallets (monerod, p2pool), librandomx
//     $client_*  what a client says to a pool, in the form pools, proxies and their dashboards
//                that a compiler leaves it
//     $own_*     option keys and help texts of miners,     front ends of miners
//                only two of them count
//     $pool_*    host names of pools, as whole words       name block lists, nDPI
//
// It takes two classes to refuse. Scanners with rules built in hold pools, option names and URLs as text at once;
// therefore $client_* and the keys want the NUL, the format or the JSON quotes that rule text does not have.
// There is no exclusion ("and not a scanner"): a miner could carry the words that exclude it.
// Words as xmrig, cryptonight or nicehash, and names of processes, count for nothing.

rule cryptominer
{
    meta:
        id = "CRYPTOMINER-001"
        description = "a program that mines: two independent indicators (algorithm, pool protocol, own words, pools)"
        severity = "high"
        confidence = "high"
        remedy = "Find out who put the miner into the image; if it is there on purpose, except it."
        source = "xmrig/xmrig b2ca7248, pooler/cpuminer, stamparm/maltrail 8adace15; Sysdig TRT 2022"
    strings:
        $salt_monero = "RandomX\x03"
        $salt_wownero = "RandomWOW\x01"
        $salt_arqma = "RandomARQ\x01"
        $salt_graft = "RandomX-Graft\x01"
        $salt_safex = "RandomSFX\x01"
        $salt_yada = "RandomXYadaCoin\x03"
        $client_tcp = "stratum+tcp://\x00"
        $client_ssl = "stratum+ssl://\x00"
        $client_tcp_format = "stratum+tcp://%s"
        $client_subscribe = "\"method\": \"mining.subscribe\""
        $client_subscribe_tight = "\"method\":\"mining.subscribe\""
        $client_authorize = "\"method\": \"mining.authorize\""
        $client_authorize_tight = "\"method\":\"mining.authorize\""
        $own_donate_level = "donate-level\x00"
        $own_donate_over_proxy = "donate-over-proxy\x00"
        $own_rig_id = "rig-id\x00"
        $own_wizard = "xmrig.com/wizard"
        $own_algorithms = "xmrig.com/docs/algorithms"
        $own_url_help = "URL of mining server"
        $own_user_help = "username for mining server"
        $own_background_help = "run the miner in the background"
        $pool_01 = "minergate.com" fullword
        $pool_02 = "hashvault.pro" fullword
        $pool_03 = "herominers.com" fullword
        $pool_04 = "2miners.com" fullword
        $pool_05 = "supportxmr.com" fullword
        $pool_06 = "nanopool.org" fullword
        $pool_07 = "moneroocean.stream" fullword
        $pool_08 = "xmrpool.eu" fullword
        $pool_09 = "minexmr.com" fullword
        $pool_10 = "crypto-pool.fr" fullword
        $pool_11 = "luckpool.net" fullword
        $pool_12 = "prohash.net" fullword
        $pool_13 = "moneropool.com" fullword
        $pool_14 = "suprnova.cc" fullword
        $pool_15 = "monerohash.com" fullword
        $pool_16 = "miner.rocks" fullword
        $pool_17 = "f2pool.com" fullword
        $pool_18 = "dwarfpool.com" fullword
        $pool_19 = "xmrpool.net" fullword
        $pool_20 = "xmrfast.com" fullword
        $pool_21 = "viaxmr.com" fullword
        $pool_22 = "unmineable.com" fullword
        $pool_23 = "miningpoolhub.com" fullword
        $pool_24 = "miningocean.org" fullword
        $pool_25 = "luckypool.io" fullword
        $pool_26 = "kryptex.network" fullword
        $pool_27 = "c3pool.org" fullword
        $pool_28 = "c3pool.com" fullword
        $pool_29 = "xmrpool.de" fullword
        $pool_30 = "ppxxmr.com" fullword
        $pool_31 = "fastpool.xyz" fullword
        $pool_32 = "usxmrpool.com" fullword
        $pool_33 = "monerpool.org" fullword
        $pool_34 = "aeon-pool.com" fullword
        $pool_35 = "cnpool.cc" fullword
        $pool_36 = "donate.v2.xmrig.com" fullword
        $pool_37 = "api.xmrig.com" fullword
        $pool_38 = "randomx.xmrig.com" fullword
    condition:
            (any of ($salt_*) and (any of ($client_*) or 2 of ($own_*) or any of ($pool_*))) or
            (any of ($client_*) and (2 of ($own_*) or any of ($pool_*))) or
            (2 of ($own_*) and any of ($pool_*))
}

rule cryptominer_single
{
    meta:
        id = "CRYPTOMINER-002"
        description = "one indicator of mining, and none of a second kind: a node, a pool, a block list or a miner"
        severity = "medium"
        confidence = "low"
        remedy = "Look at what the program is for; nodes and wallets of coins, pools and block lists are normal."
        source = "xmrig/xmrig b2ca7248, pooler/cpuminer, stamparm/maltrail 8adace15; Sysdig TRT 2022"
    strings:
        $salt_monero = "RandomX\x03"
        $salt_wownero = "RandomWOW\x01"
        $salt_arqma = "RandomARQ\x01"
        $salt_graft = "RandomX-Graft\x01"
        $salt_safex = "RandomSFX\x01"
        $salt_yada = "RandomXYadaCoin\x03"
        $client_tcp = "stratum+tcp://\x00"
        $client_ssl = "stratum+ssl://\x00"
        $client_tcp_format = "stratum+tcp://%s"
        $client_subscribe = "\"method\": \"mining.subscribe\""
        $client_subscribe_tight = "\"method\":\"mining.subscribe\""
        $client_authorize = "\"method\": \"mining.authorize\""
        $client_authorize_tight = "\"method\":\"mining.authorize\""
        $word_tcp = "stratum+tcp://"
        $word_ssl = "stratum+ssl://"
        $word_subscribe = "mining.subscribe"
        $word_authorize = "mining.authorize"
        $own_donate_level = "donate-level\x00"
        $own_donate_over_proxy = "donate-over-proxy\x00"
        $own_rig_id = "rig-id\x00"
        $own_wizard = "xmrig.com/wizard"
        $own_algorithms = "xmrig.com/docs/algorithms"
        $own_url_help = "URL of mining server"
        $own_user_help = "username for mining server"
        $own_background_help = "run the miner in the background"
        $pool_01 = "minergate.com" fullword
        $pool_02 = "hashvault.pro" fullword
        $pool_03 = "herominers.com" fullword
        $pool_04 = "2miners.com" fullword
        $pool_05 = "supportxmr.com" fullword
        $pool_06 = "nanopool.org" fullword
        $pool_07 = "moneroocean.stream" fullword
        $pool_08 = "xmrpool.eu" fullword
        $pool_09 = "minexmr.com" fullword
        $pool_10 = "crypto-pool.fr" fullword
        $pool_11 = "luckpool.net" fullword
        $pool_12 = "prohash.net" fullword
        $pool_13 = "moneropool.com" fullword
        $pool_14 = "suprnova.cc" fullword
        $pool_15 = "monerohash.com" fullword
        $pool_16 = "miner.rocks" fullword
        $pool_17 = "f2pool.com" fullword
        $pool_18 = "dwarfpool.com" fullword
        $pool_19 = "xmrpool.net" fullword
        $pool_20 = "xmrfast.com" fullword
        $pool_21 = "viaxmr.com" fullword
        $pool_22 = "unmineable.com" fullword
        $pool_23 = "miningpoolhub.com" fullword
        $pool_24 = "miningocean.org" fullword
        $pool_25 = "luckypool.io" fullword
        $pool_26 = "kryptex.network" fullword
        $pool_27 = "c3pool.org" fullword
        $pool_28 = "c3pool.com" fullword
        $pool_29 = "xmrpool.de" fullword
        $pool_30 = "ppxxmr.com" fullword
        $pool_31 = "fastpool.xyz" fullword
        $pool_32 = "usxmrpool.com" fullword
        $pool_33 = "monerpool.org" fullword
        $pool_34 = "aeon-pool.com" fullword
        $pool_35 = "cnpool.cc" fullword
        $pool_36 = "donate.v2.xmrig.com" fullword
        $pool_37 = "api.xmrig.com" fullword
        $pool_38 = "randomx.xmrig.com" fullword
    condition:
        (any of ($salt_*) or any of ($client_*) or any of ($word_*) or 2 of ($own_*) or any of ($pool_*)) and not
        (
            (any of ($salt_*) and (any of ($client_*) or 2 of ($own_*) or any of ($pool_*))) or
            (any of ($client_*) and (2 of ($own_*) or any of ($pool_*))) or
            (2 of ($own_*) and any of ($pool_*))
        )
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policy/rules/*.yar, matched by yara(1) against files of tests/fixtures/mkelf.py: what each rule hits, what it
# must not hit, and that no ELF file of this machine is refused.

setup_file() {
        root="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
        export RULES="$root/policy/rules" MKELF="$root/tests/fixtures/mkelf.py"
        export WORK="$BATS_FILE_TMPDIR"
        yarac --fail-on-warnings "$RULES"/*.yar "$WORK/rules.yarc" # two rules of one name would fail here
}

# The ids that hit a file, in one line.
hits() {
        yara -C -m "$WORK/rules.yarc" "$1" | grep -o '[[,]id="[^"]*"' | cut -d'"' -f2 | sort | xargs
}

# expect "ids" mkelf-options...: a file made with these options is hit by exactly these rules.
expect() {
        local want="$1" got
        shift
        "$MKELF" make "$WORK/file" "$@"
        got="$(hits "$WORK/file")"
        if [ "$got" != "$want" ]; then
                echo "mkelf.py make $*: wanted \`$want\`, got \`$got\`"
                return 1
        fi
}

# The hex strings of the rule $1 of xz_backdoor.yar, one "name hex" a line.
xz_strings() {
        awk -v rule="rule $1" '$0 == rule { on = 1 } /^}/ { on = 0 }
                on && /^ *\$/ { name = $1; gsub(/^[^{]*{ | }$/, ""); gsub(/ /, ""); print name, $0 }' \
                "$RULES/xz_backdoor.yar"
}

@test "rules have complete metadata that names what to do" {
        run python3 - "$RULES" << 'PY'
import pathlib, re, sys
ids, bad = set(), []
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.yar")):
    text = path.read_text(encoding="ascii")
    for name, body in re.findall(r"^rule (\w+)\n\{(.*?)^\}", text, re.M | re.S):
        meta = dict(re.findall(r'^        (\w+) = "((?:[^"\\]|\\.)*)"$', body.split("strings:")[0], re.M))
        if set(meta) != {"id", "description", "severity", "confidence", "remedy", "source"}:
            bad.append(f"{path.name}: {name}: has {sorted(meta)}")
            continue
        if meta["id"] in ids or not re.fullmatch(r"[A-Z0-9-]+-\d{3}", meta["id"]) or len(meta["id"]) > 63:
            bad.append(f"{path.name}: {name}: id {meta['id']}")
        ids.add(meta["id"])
        if meta["severity"] not in ("low", "medium", "high", "critical"):
            bad.append(f"{path.name}: {name}: severity {meta['severity']}")
        if meta["confidence"] not in ("low", "medium", "high"):
            bad.append(f"{path.name}: {name}: confidence {meta['confidence']}")
        for key in ("description", "remedy", "source"):
            if not 5 < len(meta[key]) < 256:
                bad.append(f"{path.name}: {name}: {key} has {len(meta[key])} bytes")
        for string in re.findall(r"\$\w+(?= = )", body):
            if len(string) > 31:
                bad.append(f"{path.name}: {name}: {string} is longer than a finding keeps")
    if re.search(r"^\s*(import|include)\b", text, re.M):
        bad.append(f"{path.name}: import or include")
print("\n".join(bad))
sys.exit(bool(bad) or len(ids) < 10)
PY
        echo "$output"
        [ "$status" -eq 0 ]
}

@test "each stand-in is hit by its rule and by no other" {
        local table="clean= marker=POSTERN-TEST-001 xz=XZ-BACKDOOR-001 xz-single=XZ-BACKDOOR-002
                xz-rekeyed=XZ-BACKDOOR-003 php=PHP-ZERODIUM-001 php-single=PHP-ZERODIUM-002
                proftpd=PROFTPD-BACKDOOR-001 proftpd-single=PROFTPD-BACKDOOR-002 dlink=DLINK-THTTPD-001
                miner=CRYPTOMINER-001 miner-single=CRYPTOMINER-002 node=CRYPTOMINER-002 kinsing=KINSING-001
                kinsing-single=KINSING-002"
        local row
        for row in $table; do
                expect "${row#*=}" --stand-in "${row%%=*}"
        done
        # the table has a row for each stand-in, but for the one of the next test
        [ "$(xargs -n1 <<< "$table" | cut -d= -f1 | sort)" = "$("$MKELF" list | grep -vx rule-text)" ]
}

@test "a scanner that holds the indicators as text is reported at most" {
        expect "CRYPTOMINER-002 PHP-ZERODIUM-002 PROFTPD-BACKDOOR-002" --stand-in rule-text
}

@test "the two xz rules look for the same strings" {
        [ "$(xz_strings xz_backdoor | wc -l)" -ge 36 ]
        [ "$(xz_strings xz_backdoor)" = "$(xz_strings xz_backdoor_single)" ]
        [ "$(xz_strings xz_backdoor | cut -d' ' -f2 | sort -u | wc -l)" = "$(xz_strings xz_backdoor | wc -l)" ]
}

@test "each xz anchor is reported alone and refused with any second one" {
        local second=48bf30303030303030308bf14989d189432848893c24bf3ffcff03 before="" name hex
        while read -r name hex; do
                expect XZ-BACKDOOR-002 --hex "$hex"
                expect XZ-BACKDOOR-001 --hex "$hex" --hex "${before:-$second}"
                before="$hex"
        done < <(xz_strings xz_backdoor)
        expect XZ-BACKDOOR-002 --hex "$second" --hex "$second" # the same twice is one
        expect "" --hex "${second%??}" # cut by a byte it is nothing
}

@test "the marker is found in every kind of ELF file, wherever it stands" {
        local class data type where
        for class in 32 64; do
                for data in little big; do
                        for type in rel exec dyn; do
                                for where in rodata note; do
                                        expect POSTERN-TEST-001 --stand-in marker --class $class --data $data \
                                                --type $type --where $where --machine $((class == 32 ? 3 : 62))
                                done
                        done
                done
        done
        for where in overlay end 70000; do
                expect POSTERN-TEST-001 --stand-in marker --where $where --size 5000000
        done
}

@test "the marker cut short or changed by a byte is nothing" {
        "$MKELF" make "$WORK/whole" --stand-in marker
        for edit in 's/POSTERN-STANDARD/POSTERN-STANDARE/' 's/MARKER-\(.\)./MARKER-\1#/'; do
                LC_ALL=C sed "$edit" "$WORK/whole" > "$WORK/file"
                ! cmp -s "$WORK/whole" "$WORK/file"
                [ -z "$(hits "$WORK/file")" ]
        done
}

@test "a broken file is matched all the same" {
        local how
        for how in lying-class lying-data phdr-past-end segment-past-end; do
                expect XZ-BACKDOOR-001 --stand-in xz --break $how
        done
        expect XZ-BACKDOOR-001 --stand-in xz --break truncated
}

@test "source back doors need both strings, ended by NUL, in a file of any size" {
        expect PHP-ZERODIUM-002 --text 'REMOVETHIS: sold to zerodium, mid 2017'
        expect "" --text zerodium
        expect "" --text HTTP_USER_AGENT
        expect PHP-ZERODIUM-002 --text 'HTTP_USER_AGENTT"' --text 'REMOVETHIS: sold to zerodium, mid 2017'
        expect PHP-ZERODIUM-002 --text HTTP_USER_AGENTT --text 'REMOVETHIS: sold to zerodium, mid 2017"'
        expect PHP-ZERODIUM-001 --stand-in php --where end --size 20000000
        expect "" --text '/bin/sh;/sbin/sh'
        expect PROFTPD-BACKDOOR-002 --text 'HELP ACIDBITCHEZ\n' --text '/bin/sh;/sbin/sh'
        expect PROFTPD-BACKDOOR-002 --text ACIDBITCHEZ --text '/bin/sh;/sbin/sh #'
        expect DLINK-THTTPD-002 --text xmlset_roodkcableoj28840ybtide
        expect DLINK-THTTPD-002 --text 'User-Agent: xmlset_roodkcableoj28840ybtide"' --text thttpd
        expect "" --text thttpd
}

# The strings of the rule $1 of cryptominer.yar, but for the loose words that only the second has.
miner_strings() {
        sed -n "/^rule $1\$/,/^}/p" "$RULES/cryptominer.yar" | grep '^ *\$[a-z_0-9]* = ' | grep -v '\$word_'
}

@test "the two mining rules look for the same strings and set the same classes against each other" {
        [ "$(miner_strings cryptominer | wc -l)" -gt 50 ]
        [ "$(miner_strings cryptominer)" = "$(miner_strings cryptominer_single)" ]
        [ "$(grep -c 'any of (\$salt_\*) and (any of' "$RULES/cryptominer.yar")" -eq 2 ]
        [ "$(grep 'any of (\$salt_\*) and (any of' "$RULES/cryptominer.yar" | sort -u | wc -l)" -eq 1 ]
}

@test "two kinds of mining indicators are refused, one kind is reported" {
        local salt='RandomX\x03' client=stratum+tcp:// pool=pool.minexmr.com
        local own=(--text donate-level --text rig-id)
        expect CRYPTOMINER-002 --text "$salt"
        expect CRYPTOMINER-002 --text "$client"
        expect CRYPTOMINER-002 --text "$pool"
        expect CRYPTOMINER-002 "${own[@]}"
        expect "" "${own[@]:0:2}"
        expect CRYPTOMINER-001 --text "$salt" --text "$client"
        expect CRYPTOMINER-001 --text "$salt" --text "$pool"
        expect CRYPTOMINER-001 --text "$salt" "${own[@]}"
        expect CRYPTOMINER-001 --text "$client" --text "$pool"
        expect CRYPTOMINER-001 --text "$client" "${own[@]}"
        expect CRYPTOMINER-001 --text "$pool" "${own[@]}"
        # a half pair is no second kind
        expect CRYPTOMINER-002 --text "$salt" "${own[@]:0:2}"
        expect CRYPTOMINER-002 --text "$client" "${own[@]:0:2}"
        expect CRYPTOMINER-002 --text "$pool" "${own[@]:0:2}"
}

@test "two mining indicators of one kind are reported only" {
        expect CRYPTOMINER-002 --text 'RandomX\x03' --text 'RandomWOW\x01' --text 'RandomARQ\x01' \
                --text 'RandomX-Graft\x01' --text 'RandomSFX\x01' --text 'RandomXYadaCoin\x03'
        expect CRYPTOMINER-002 --text stratum+tcp:// --text stratum+ssl:// --text '{"method": "mining.subscribe"}' \
                --text '{"method":"mining.authorize"}'
        expect CRYPTOMINER-002 --text pool.minexmr.com --text xmr.2miners.com --text api.xmrig.com
        expect CRYPTOMINER-002 --text donate-level --text donate-over-proxy --text rig-id --text 'xmrig.com/wizard'
}

@test "each mining indicator counts for its kind" {
        local text
        for text in 'RandomX\x03' 'RandomWOW\x01' 'RandomARQ\x01' 'RandomX-Graft\x01' 'RandomSFX\x01' 'RandomXYadaCoin\x03'; do
                expect CRYPTOMINER-001 --text "$text" --text pool.minexmr.com
        done
        for text in stratum+tcp:// stratum+ssl:// stratum+tcp://%s '{"id": 1, "method": "mining.subscribe"}' \
                '{"method":"mining.subscribe"}' '{"method": "mining.authorize"}' '{"method":"mining.authorize"}'; do
                expect CRYPTOMINER-001 --text "$text" --text pool.minexmr.com
        done
        for text in donate-level donate-over-proxy xmrig.com/wizard xmrig.com/docs/algorithms 'URL of mining server' \
                'username for mining server' 'run the miner in the background'; do
                expect CRYPTOMINER-001 --text "$text" --text rig-id --text pool.minexmr.com
        done
        for text in $(sed -n '/^rule cryptominer$/,/^}/s/.*\$pool_.*"\(.*\)" fullword/\1/p' "$RULES/cryptominer.yar"); do
                expect CRYPTOMINER-001 --text "x.$text:3333" --text 'RandomX\x03'
        done
}

@test "weak words of mining, and names that only look like pools, are nothing" {
        expect "" --text xmrig --text cryptonight --text nicehash --text rx/0 --text cn/r --text huge-pages --text minerd \
                --text daemon+http:// --text donate-level
        expect "" --text /etc/zfs/zpool.cache --text 12miners.com --text nanopool.organic --text 'RandomX v1' \
                --text Stratum --text mining
        expect "" --text RandomWOW --text RandomARQ --text RandomX-Graft --text RandomSFX --text 'RandomX\x01'
        # what pools and scanners hold: the words, but not as a client's program has them
        expect CRYPTOMINER-002 --text 'stratum+tcp://pool.example:3333 "mining.subscribe"' --text 'RandomX\x03'
        expect CRYPTOMINER-002 --text 'content:"stratum+tcp://"; "donate-level" "rig-id"' --text pool.minexmr.com
}

@test "kinsing needs two of its names, and one that is its own" {
        expect KINSING-001 --text main.redisBrute --text main.RC4
        expect KINSING-001 --text main.backconnect --text main.masscan
        expect KINSING-001 --text ActiveC2CUrl --text main.RC4
        expect KINSING-002 --text ActiveC2CUrl
        expect "" --text main.RC4 --text main.masscan
        expect "" --text main.backconnect
        expect "" --text main.redisBruteForce --text main.RC4
}

@test "a library with planted bytes is refused, still loads, and its clean twin is not refused" {
        local lib="" way
        lib="$(ldconfig -p | awk '/liblzma\.so\.5 / { print $NF; exit }')"
        [ -n "$lib" ]
        [ -z "$(hits "$(readlink -f "$lib")")" ]
        for way in overlay section; do
                "$MKELF" plant "$lib" "$WORK/liblzma.so.5" --stand-in xz --where $way
                [ "$(hits "$WORK/liblzma.so.5")" = XZ-BACKDOOR-001 ]
                [ -z "$(readelf -SlW "$WORK/liblzma.so.5" 2>&1 > "$WORK/elf")" ]
                python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1]).lzma_version_number()' "$WORK/liblzma.so.5"
        done
        grep -q ' \.postern ' "$WORK/elf"
}

@test "no ELF file of this machine is refused" {
        python3 - /usr/bin /usr/sbin /usr/lib /usr/libexec > "$WORK/list" << 'PY'
import os, stat, sys
for top in sys.argv[1:]:
    for where, _, names in os.walk(top):
        for path in (os.path.join(where, name) for name in names):
            try:
                if stat.S_ISREG(os.lstat(path).st_mode) and "\n" not in path:
                    with open(path, "rb") as file:
                        if file.read(4) == b"\x7fELF":
                            print(path)
            except FileNotFoundError:
                pass  # gone since it was listed
PY
        [ "$(wc -l < "$WORK/list")" -gt 100 ]
        "$MKELF" make "$WORK/control" --stand-in xz --where overlay # it must be found, or the run proves nothing
        echo "$WORK/control" >> "$WORK/list"
        yara -C -m -p 2 --scan-list "$WORK/rules.yarc" "$WORK/list" > "$WORK/found" 2> "$WORK/errors"
        cat "$WORK/errors"
        [ ! -s "$WORK/errors" ]
        grep -vF " $WORK/control" "$WORK/found" | # what is only reported
                sed 's/.*\[id="\([^"]*\)".*severity="\([^"]*\)",confidence="\([^"]*\)".*\] \//# \1 \2\/\3 \//' >&3 || true
        grep -E 'severity="(high|critical)",confidence="(medium|high)"' "$WORK/found" > "$WORK/refused"
        cat "$WORK/refused"
        [ "$(wc -l < "$WORK/refused")" -eq 1 ]
        grep -qF " $WORK/control" "$WORK/refused"
}

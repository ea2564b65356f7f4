#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark as an independent witness of the wire format.

	witness_tshark.py              every golden vector that decodes: no malformed or expert mark,
	                               and the same values as in the vector's text
	witness_tshark.py FILE.pcap... every Mobility Header in captures: no malformed or expert mark

Exit status 77: tshark is not installed. Vectors name what tshark does not know; captures are
excused from the marks in EXCUSED only.
"""

import datetime
import ipaddress
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
LINKTYPE_RAW = 101

# An empty Mobile Node Identifier is what a reply to an update without one holds (RFC 5213 5.3.6);
# tshark wants at least one octet of identifier.
EXCUSED = {"mip6.opt.len.invalid": r"Mobile Node Identifier \(with option length = 1 byte"}

# Label in a vector's text -> field of tshark, per message type and per option.
MESSAGE = {
    5: {"Sequence number": "mip6.bu.seqnr", "Lifetime": "mip6.bu.lifetime"},
    6: {"Status": "mip6.ba.status", "Sequence number": "mip6.ba.seqnr",
        "Lifetime": "mip6.ba.lifetime"},
    7: {"Status": "mip6.be.status", "Home Address": "mip6.be.haddr"},
    13: {"Sequence number": "mip6.hb.seqnr"},
    14: {"Sequence number": "mip6.hi.seqnr", "Code": "mip6.hi.code"},
    15: {"Sequence number": "mip6.hack.seqnr", "Code": "mip6.hack.code"},
    16: {"B.R. Type": "mip6.bri_br.type", "Sequence number": "mip6.bri_seqnr"},
}
FLAGS = {5: "mip6.bu.a_flag", 6: "mip6.ba.k_flag"}
# Flags that tshark shows one by one only: letter -> field, per message type and B.R. Type. It does
# not know P and F of Handover Initiate, nor any flag of Handover Acknowledge.
LETTERS = {(13, None): {"U": "mip6.hb.u_flag", "R": "mip6.hb.r_flag"},
           (14, None): {"S": "mip6.hi.s_flag", "U": "mip6.hi.u_flag"},
           (16, "1"): {"P": "mip6.bri_ip", "V": "mip6.bri_iv", "G": "mip6.bri_ig"},
           (16, "2"): {"P": "mip6.bri_ap", "V": "mip6.bri_av", "G": "mip6.bri_ag"}}
BR_CODE = {"1": "mip6.bri_r.trigger", "2": "mip6.bri_status"}
OPTION = {
    2: {"Refresh interval": "mip6.bra.interval"},
    3: {"Alternate Care-of Address": "mip6.acoa.acoa"},
    4: {"Home nonce index": "mip6.ni.hni", "Care-of nonce index": "mip6.ni.cni"},
    5: {"Authenticator": "mip6.bad.auth"},
    8: {"Subtype": "mip6.mnid.subtype", "Identifier": "mip6.mnid.identifier"},
    19: {"Vendor Id": "mip6.vsm.vendorId", "Subtype": "mip6.vsm.subtype", "Data": "mip6.vsm.data"},
    20: {"Identifier": "mip6.ss.identifier"},
    22: {"Prefix length": "mip6.nemo.mnp.pfl", "Home Network Prefix": "mip6.nemo.mnp.mnp"},
    23: {"Handoff Indicator": "mip6.hi"},
    24: {"Access Technology Type": "mip6.att"},
    25: {"Link-layer Identifier": "mip6.mnlli.lli"},
    26: {"Link-local Address": "mip6.lila_lla"},
    28: {"Restart Counter": "mip6.rc"},
    27: {"Timestamp": "mip6.timestamp_tmp"},
    31: {"Force UDP encapsulation": "mip6.natd.f_flag", "Refresh time": "mip6.natd.refresh_t"},
    33: {"GRE Key Identifier": "mip6.gre_key"},
    36: {"Prefix length": "mip6.ipv4ha.preflen", "IPv4 home address": "mip6.ipv4ha.ha"},
    37: {"Status": "mip6.ipv4aa.sts", "Prefix length": "mip6.ipv4ha.preflen",
         "IPv4 home address": "mip6.ipv4ha.ha"},
    38: {"IPv4 Default-Router Address": "mip6.ipv4dra.dra"},
    39: {"DHCP server": "mip6.ipv4dsm.s_flag"},
    # one field per family; tshark titles this option like the next one, which it does not know
    41: {"Option-Code": "mip6.lmaa.opt_code",
         "Local Mobility Anchor Address": ("mip6.lmaa.ipv4", "mip6.lmaa.ipv6")},
}


def vectors():
    """The records of all vector files, as dictionaries of strings."""
    for path in sorted(VECTORS.glob("*.txt")):
        record, block = {}, None
        for line in path.read_text().splitlines() + [""]:
            if not line:
                if record:
                    yield record
                record, block = {}, None
            elif line.startswith("#"):
                continue
            elif line.startswith("  ") and block:
                record[block] += line[2:] + "\n"
            else:
                key, value = line.split(":", 1)
                record[key] = value.strip()
                block = None if value.strip() else key


def octets(vector):
    return bytes.fromhex(re.sub(r"\s", "", vector.get("hex", "")))


def checksum(src, dst, mh):
    """What the message has in its checksum field: zero in UDP over IPv4 (RFC 5844 4.1)."""
    if ipaddress.ip_address(src).version == 4:
        return 0
    pseudo = ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed
    data = pseudo + struct.pack("!II", len(mh), 135) + mh[:4] + b"\0\0" + mh[6:]
    return inet_checksum(data)


def inet_checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet6(src, dst, mh):
    ip = struct.pack("!IHBB", 6 << 28, len(mh), 135, 64)
    return ip + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + mh


def packet4(src, dst, mh):
    """In UDP between the ports of RFC 5844."""
    addresses = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed
    udp = struct.pack("!HHHH", 5436, 5436, 8 + len(mh), 0) + mh
    pseudo = addresses + struct.pack("!HH", 17, len(udp))
    udp = udp[:6] + struct.pack("!H", inet_checksum(pseudo + udp)) + udp[8:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
    return ip[:10] + struct.pack("!H", inet_checksum(ip)) + ip[12:] + udp


def write_pcap(path, packets):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW)
    for i, (src, dst, mh) in enumerate(packets):
        ip = (packet4 if ipaddress.ip_address(src).version == 4 else packet6)(src, dst, mh)
        out += struct.pack("<IIII", i, 0, len(ip), len(ip)) + ip
    path.write_bytes(out)


def dissect(path, only=None):
    """The packets as PDML elements."""
    argv = ["tshark", "-n", "-r", str(path), "-T", "pdml"] + (["-Y", only] if only else [])
    run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if run.returncode:
        sys.exit(f"tshark: {run.stderr.decode(errors='replace').strip()}")
    return ElementTree.fromstring(run.stdout).findall("packet")


def marks(packet):
    """(name, message) of everything tshark complains about."""
    found = []
    for proto in packet.iter("proto"):
        if proto.get("name") == "_ws.malformed":
            found.append(("malformed", proto.get("showname") or ""))
    for field in packet.iter("field"):
        if field.get("name") == "_ws.malformed":
            found.append(("malformed", field.get("showname") or ""))
        elif field.get("name") == "_ws.expert":
            kinds = [f for f in field.iter("field") if f is not field]
            name = next((f.get("name") for f in kinds
                         if not f.get("name", "").startswith("_ws.")), "?")
            text = next((f.get("show") for f in kinds
                         if f.get("name") == "_ws.expert.message"), "")
            found.append((name, text))
    return found


def parse_text(text):
    """(type, {label: value}, [(option, {label: value})]) of a vector's text."""
    lines = text.splitlines()
    kind, fields, options = int(re.search(r"\((\d+)\)$", lines[0])[1]), {}, []
    for line in lines[1:]:
        option = re.match(r"  Mobility Option: .* \((\d+)\)$", line)
        if option:
            options.append((int(option[1]), {}))
            continue
        label, _, value = line.strip().partition(":")
        (options[-1][1] if line.startswith("    ") else fields)[label] = value.strip()
    return kind, fields, options


def plain(value):
    """'TIMESTAMP_MISMATCH (156)' -> '156', '900 (3600 seconds)' -> '900'."""
    if value in ("yes", "no"):
        return str(int(value == "yes"))
    for pattern in (r".* \((\d+)\)$", r"(\d+) \(\d+ seconds\)$"):
        match = re.match(pattern, value)
        if match:
            return match[1]
    return value


def same(label, ours, theirs):
    if label == "Timestamp":
        date, fraction = re.match(r"(.*)\.(\d+) UTC$", theirs).groups()
        at = datetime.datetime.strptime(date + " +0000", "%b %d, %Y %H:%M:%S %z").timestamp()
        return abs(float(ours.split()[0]) - at - float("0." + fraction)) < 2e-6
    return plain(ours) == theirs


def compare(vector, packet):
    """What tshark sees otherwise."""
    kind, fields, options = parse_text(vector["text"])
    root = next(p for p in packet.iter("proto") if p.get("name") == "mipv6")
    by_name = {}
    for field in root.iter("field"):
        by_name.setdefault(field.get("name"), field)
    wrong = []

    def expect(where, label, ours, field):
        theirs = None if field is None else field.get("show")
        # tshark 4.0 shows no identifier below three octets, and cuts vendor data by two octets.
        if label == "Identifier" and theirs is None and len(ours) < 3:
            return
        if label == "Data":
            ours, theirs = ours[:-6], theirs or ""
        if theirs is None or not same(label, ours, theirs):
            wrong.append(f"{where}{label}: {ours!r}, tshark has {theirs!r}")

    expect("", "type", str(kind), by_name.get("mip6.mhtype"))
    for label, name in MESSAGE.get(kind, {}).items():
        expect("", label, fields[label], by_name.get(name))
    if kind in FLAGS:
        theirs = by_name[FLAGS[kind]].get("unmaskedvalue")
        if int(fields["Flags"].split()[0], 16) != int(theirs, 16):
            wrong.append(f"flags: {fields['Flags']}, tshark has {theirs}")

    br_type = plain(fields["B.R. Type"]) if kind == 16 else None
    if br_type in BR_CODE:
        expect("", "Trigger or status", fields["Trigger or status"],
               by_name.get(BR_CODE[br_type]))
    for letter, name in LETTERS.get((kind, br_type), {}).items():
        letters = fields["Flags"].split("(")[1]
        theirs = by_name[name].get("show")
        if theirs not in (("1", "True") if letter in letters else ("0", "False")):
            wrong.append(f"flag {letter}: {fields['Flags']}, tshark has {theirs}")

    seen = [(f.get("value")[:2], f) for f in root.iter("field")
            if (f.get("name") or "").startswith("mip6.options.")]
    seen = [(int(t, 16), f) for t, f in seen if int(t, 16) > 1]
    if [t for t, _ in seen] != [t for t, _ in options]:
        wrong.append(f"options {[t for t, _ in options]}, tshark has {[t for t, _ in seen]}")
    for (number, ours), (_, element) in zip(options, seen):
        for label, name in OPTION.get(number, {}).items():
            if label not in ours:  # absent by its option's length
                continue
            if isinstance(name, tuple):
                name = name[":" in ours[label]]
            field = next((f for f in element.iter("field") if f.get("name") == name), None)
            expect(f"option {number} ", label, ours[label], field)
    return wrong


def witness_vectors():
    chosen, passed, failed, left_out = [], 0, 0, 0
    for vector in vectors():
        mh = octets(vector)
        if "src" in vector and vector.get("verdict", "ok") == "ok":
            total = (mh[1] + 1) * 8
            want = checksum(vector["src"], vector["dst"], mh[:total])
            if want != int.from_bytes(mh[4:6], "big"):
                print(f"{vector['name']}: checksum should be {want:04x}")
                failed += 1
        if vector.get("verdict", "ok") != "ok":
            continue
        if vector.get("witness", "").startswith("skip "):
            left_out += 1
            continue
        chosen.append(vector)

    with tempfile.TemporaryDirectory() as tmp:
        pcap = Path(tmp) / "vectors.pcap"
        write_pcap(pcap, [(v["src"], v["dst"], octets(v)) for v in chosen])
        packets = dissect(pcap)
    if len(packets) != len(chosen):
        sys.exit(f"tshark read {len(packets)} of {len(chosen)} packets")

    for vector, packet in zip(chosen, packets):
        words = vector.get("witness", "").split()
        excused = words[1] if words[:1] == ["expert"] else None
        found = marks(packet)
        wrong = [f"{name}: {text}" for name, text in found if name != excused]
        if excused and excused not in [name for name, _ in found]:
            wrong.append(f"the excuse for {excused} is not needed")
        wrong += compare(vector, packet)
        for line in wrong:
            print(f"{vector['name']}: {line}")
        failed += bool(wrong)
        passed += not wrong
    return passed, failed, left_out


def witness_captures(paths):
    passed = failed = 0
    for path in paths:
        for packet in dissect(path, "mipv6"):
            wrong = [f"{name}: {text}" for name, text in marks(packet)
                     if not re.match(EXCUSED.get(name, r"(?!)"), text)]
            number = next(f.get("show") for f in packet.iter("field") if f.get("name") == "num")
            for line in wrong:
                print(f"{path} packet {number}: {line}")
            failed += bool(wrong)
            passed += not wrong
    return passed, failed, 0


def main():
    if not shutil.which("tshark"):
        print("skipped: tshark is not installed (Debian package tshark)")
        return 77
    passed, failed, left_out = (witness_captures(sys.argv[1:]) if sys.argv[1:]
                               else witness_vectors())
    if left_out:
        print(f"{left_out} vectors left out, for the reasons they name")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

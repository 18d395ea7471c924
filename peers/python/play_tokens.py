"""Server tokens as files: their exact bytes, what is inside, the shapes that tools make of them; public keys."""

import base64
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import portal
from portal import Server
from token_file import FOLDER, Element, Key, decrypt, open_token, openssl

HEADERS = (
    b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data',
    b"Content-Transfer-Encoding: base64",
    b'Content-Disposition: attachment; filename="smime.p7m"',
    b"Content-Description: S/MIME Encrypted Message",
)
INNER = "Content-Type: text/plain;charset=UTF-8\nContent-Transfer-Encoding: 7bit\n\n-----BEGIN MESSAGE-----\n"
ENVELOPED, DATA = "06:2a864886f70d010703", "06:2a864886f70d010701"
RSA, AES_128_CBC = "06:2a864886f70d010101", "06:608648016503040102"
FORMS = {
    "access_secret": r"AS_[0-9a-f]{40}",
    "access_token": r"AT_O\d+O[0-9a-f]+O\d{13}",
    "access_token_expiry": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "consumer_key": r"CK_[0-9a-f]{32}([0-9a-f]{64})?",
    "consumer_secret": r"CS_[0-9a-f]{40}",
}


def bytes_of_a_token(judge):
    """The bytes of a server token"""
    portal.reset()
    key = Key("negative", "-set_serial", "-0x1234567890abcdef")
    server = Server("Head Office", key)
    file, disposition = server.token_file()

    rule = "Observed: a token is called <server>_Token_<time with - for :>_smime.p7m"
    judge.hold(
        rule,
        re.compile(r'.*filename="?Head[ _]Office_Token_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d.*_smime\.p7m"?'),
        disposition,
    )
    head, _, body = file.partition(b"\n\n")
    judge.hold(
        "Apple examining-server-tokens: four headers in this order, no MIME-Version", HEADERS, tuple(head.split(b"\n"))
    )
    lines = body.split(b"\n")
    judge.hold("Apple examining-server-tokens: base64 in lines of 76 and a line end at the end", b"", lines.pop())
    widths = {len(line) for line in lines[:-1]}
    judge.hold("Apple examining-server-tokens: every line but the last has 76 columns", {76}.issuperset, widths)
    judge.hold("Apple examining-server-tokens: the last line is no longer", range(1, 77).__contains__, len(lines[-1]))

    cms = base64.b64decode(b"".join(lines), validate=True)
    # The name of the certificate's issuer is copied as it stands, so its shape is taken from there.
    issuer, serial = (Element.read(part) for part in key.issuer_and_serial)
    top = Element.read(cms).shape()
    recipient = ["30", "02:00", ["30", issuer.shape(), serial.shape()], ["30", RSA, "05:"]]
    judge.hold("Apple's sample: ContentInfo of enveloped data, indefinite length", ["30*", ENVELOPED], top[:2])
    enveloped = top[2][1]
    judge.hold(
        "Apple's sample: [0] and EnvelopedData of indefinite length, version 0",
        ["a0*", "30*", "02:00"],
        [top[2][0], *enveloped[:2]],
    )
    judge.hold(
        "Apple's sample: a SET of definite length, one recipient", ("31", 2), (enveloped[2][0], len(enveloped[2]))
    )
    rule = (
        "Apple's sample: recipient version 0, issuer and serial as in the certificate (here negative), RSA PKCS#1 v1.5"
    )
    judge.hold(rule, recipient, enveloped[2][1][:4])
    sealed_key = enveloped[2][1][4]
    judge.hold(
        "Apple's sample: the sealed key is as long as the RSA key", ("04:", 3 + 512), (sealed_key[:3], len(sealed_key))
    )
    content = enveloped[3]
    algorithm = content[2]
    judge.hold("Apple's sample: encrypted content of indefinite length, type data", ["30*", DATA], content[:2])
    judge.hold("Apple's sample: AES-128-CBC", ["30", AES_128_CBC], algorithm[:2])
    judge.hold("Apple's sample: an IV of 16 bytes", re.compile("04:[0-9a-f]{32}"), algorithm[2])
    judge.hold(
        "Apple's sample: [0] constructed, indefinite, one octet string", ("a0*", 2), (content[3][0], len(content[3]))
    )
    judge.hold("Apple's sample: an octet string of whole blocks", re.compile("04:([0-9a-f]{32})+"), content[3][1])
    judge.hold(
        "Apple's sample: neither attributes nor anything else", (3, 4, 4), (len(top), len(enveloped), len(content))
    )

    judge.hold("RFC 5652: `openssl cms` opens it", lambda text: text.startswith(b"Content-Type"), decrypt(file, key))
    judge.hold(
        "RFC 5652: the sample of 2014 needed no other program than `openssl smime`",
        True,
        b"CK_" in openssl("smime", "-decrypt", "-inkey", key.key, "-recip", key.certificate, data=file),
    )


def inside_a_token(judge):
    """What is inside a server token, and what becomes of the one before"""
    portal.reset()
    server = Server()
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    file, _ = server.token_file()
    text = decrypt(file, server.key).decode().replace("\r\n", "\n")
    judge.hold("Observed: two inner headers, an empty line, BEGIN MESSAGE", INNER, text[: len(INNER)])
    judge.hold(
        "Observed: END MESSAGE in a line of its own at the end", re.compile(r"(?s).*}\n-----END MESSAGE-----\n*"), text
    )
    token = open_token(file, server.key)
    judge.hold("Apple examining-server-tokens: five values, no other", sorted(FORMS), sorted(token))
    for name, form in FORMS.items():
        judge.hold(f"Apple examining-server-tokens: the form of {name}", re.compile(form), token[name])
    issued = datetime.fromtimestamp(int(token["access_token"].rsplit("O", 1)[1]) / 1000, timezone.utc)
    judge.hold(
        "Observed: the access token ends with its time of issue", True, before < issued < before + timedelta(minutes=1)
    )
    expiry = (issued + timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    judge.hold("Observed: it expires 365 × 24 h later, cut to seconds", expiry, token["access_token_expiry"])

    again = server.token()
    same = "Observed: the same Apple account gets the same consumer key again"
    judge.hold(same, token["consumer_key"], again["consumer_key"])
    for name in ["consumer_secret", "access_secret"]:
        judge.hold(f"Observed: a new download re-keys {name}", True, token[name] != again[name])
    other = server.token(account="second@example.com")
    judge.hold(
        "Observed: another Apple account gets another consumer key",
        True,
        other["consumer_key"] != again["consumer_key"],
    )
    neighbour = Server("Neighbour").token()
    judge.hold(
        "Observed: another server has another consumer key", True, neighbour["consumer_key"] != again["consumer_key"]
    )
    ends = server.token(expires="2031-02-03T04:05:06Z")["access_token_expiry"]
    judge.hold("Simulator: `expires` sets the expiry", "2031-02-03T04:05:06Z", ends)


def shapes_of_a_token(judge):
    """Every shape of a server token is opened by OpenSSL"""
    portal.reset()
    server = Server()
    shapes = [
        {"line_ends": "crlf"},
        {"wrapper": "false"},
        {"inner_headers": "false"},
        {"inner_headers": "false", "wrapper": "false"},
        {"chunks": "3"},
        {"cipher": "aes-256-cbc"},
        {"cipher": "des-ede3-cbc"},
    ]
    for shape in shapes:
        file, _ = server.token_file(**shape)
        judge.hold(f"Simulator: a token with {shape} opens", sorted(FORMS), sorted(open_token(file, server.key)))
    raw, _ = server.token_file(raw="true")
    judge.hold("Simulator: the bare CMS opens", sorted(FORMS), sorted(open_token(raw, server.key, "DER")))
    bare, _ = server.token_file(headers="false")
    cms = base64.b64decode(bare)
    judge.hold("Simulator: base64 without headers opens", sorted(FORMS), sorted(open_token(cms, server.key, "DER")))
    folded, _ = server.token_file(folded="true")
    judge.hold(
        "Apple examining-server-tokens, as printed: the first header may be cut inside a word",
        True,
        folded.startswith(HEADERS[0].replace(b"enveloped-data", b"enveloped-\ndata")),
    )
    chunked, _ = server.token_file(chunks="3", raw="true")
    parts = Element.read(chunked).shape()[2][1][3][3]
    judge.hold(
        "RFC 5652: the ciphertext in three octet strings", ["a0*", "04:", "04:", "04:"], [part[:3] for part in parts]
    )


def certificates(judge):
    """Which public keys the portal takes"""
    portal.reset()
    server = portal.ask("POST", "/servers", {"name": "Keys"})["server_uuid"]

    def upload(data):
        return portal.attempt("PUT", f"/servers/{server}/certificate", data=data).status_code

    judge.hold(
        "Observed: no token without a public key",
        {400, 409},
        portal.attempt("POST", f"/servers/{server}/token").status_code,
    )
    pem = portal.KEY.certificate_pem
    judge.hold("Apple axm1c1be359d: .pem is taken", 204, upload(pem))
    der = openssl("x509", "-in", portal.KEY.certificate, "-outform", "DER")
    judge.hold("Apple axm1c1be359d: .der is taken", 204, upload(der))
    elliptic = openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=ec",
        "-keyout",
        str(FOLDER / "ec.key"),
    )
    judge.hold("RSA key transport: an elliptic key is refused", 400, upload(elliptic))
    request = openssl("req", "-new", "-key", portal.KEY.key, "-subj", "/CN=request")
    judge.hold("Apple axm1c1be359d: a request is no certificate", 400, upload(request))
    public = openssl("x509", "-in", portal.KEY.certificate, "-pubkey", "-noout")
    judge.hold("Apple axm1c1be359d: a bare key is no certificate", 400, upload(public))
    judge.hold("Apple axm1c1be359d: a private key is no certificate", 400, upload(Path(portal.KEY.key).read_bytes()))
    judge.hold(
        "Apple axm1c1be359d: garbage is refused",
        400,
        upload(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    )
    judge.hold("Apple axm1c1be359d: nothing is refused", 400, upload(b""))
    portal.advance(31 * 86400)
    judge.hold("Observed: a certificate is checked at its upload; an expired one is refused", 400, upload(pem))
    token = portal.ask("POST", f"/servers/{server}/token")
    judge.hold(
        "Observed: one that expired later still gets tokens", sorted(FORMS), sorted(open_token(token, portal.KEY))
    )


PARTS = [bytes_of_a_token, inside_a_token, shapes_of_a_token, certificates]

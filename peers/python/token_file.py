"""Server tokens: opened with OpenSSL, taken apart byte by byte, and made without a library."""

import base64
import json
import subprocess
import tempfile
import threading
from pathlib import Path

# Goes with the program.
_temporary = tempfile.TemporaryDirectory(prefix="adept-peers-")
FOLDER = Path(_temporary.name)


def openssl(*arguments, data=None):
    """Runs `openssl`, which must succeed; what it wrote."""
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True)
    assert done.returncode == 0, f"openssl {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout


class Key:
    """An RSA key with a certificate, in files."""

    def __init__(self, name, *more):
        self.key = str(FOLDER / f"{name}.key")
        self.certificate = str(FOLDER / f"{name}.pem")
        given = ["-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/O=Peers/CN={name}", *more]
        openssl("req", "-x509", *given, "-keyout", self.key, "-out", self.certificate)

    @property
    def certificate_pem(self):
        return Path(self.certificate).read_bytes()

    @property
    def issuer_and_serial(self):
        """Both as they stand in the certificate, byte by byte."""
        der = openssl("x509", "-in", self.certificate, "-outform", "DER")
        body = Element.read(der).parts[0]
        serial, issuer = body.parts[1], body.parts[3]
        return issuer.whole, serial.whole


def decrypt(file, key, form="SMIME"):
    """What is inside a server token, wrappers included."""
    return openssl("cms", "-decrypt", "-inform", form, "-inkey", key.key, "-recip", key.certificate, data=file)


def open_token(file, key, form="SMIME"):
    """The five values of a server token: inner headers and wrapper lines off, lines joined with nothing between."""
    text = decrypt(file, key, form).decode().replace("\r", "")
    lines = [line for line in text.split("\n") if not line.startswith(("-----", "Content-"))]
    return json.loads("".join(lines))


def seal(token, certificate_pem):
    """A server token as Apple's portal would make it, for any certificate, written by OpenSSL."""
    recipient = FOLDER / f"recipient-{threading.get_ident()}.pem"
    recipient.write_bytes(certificate_pem)
    inner = "Content-Type: text/plain;charset=UTF-8\nContent-Transfer-Encoding: 7bit\n\n"
    inner += f"-----BEGIN MESSAGE-----\n{json.dumps(token)}\n-----END MESSAGE-----\n"
    cms = openssl(
        *["cms", "-encrypt", "-binary", "-stream", "-aes128", "-outform", "DER", str(recipient)], data=inner.encode()
    )
    headers = (
        'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data\n'
        "Content-Transfer-Encoding: base64\n"
        'Content-Disposition: attachment; filename="smime.p7m"\n'
        "Content-Description: S/MIME Encrypted Message\n\n"
    )
    return headers.encode() + base64.encodebytes(cms)


class Element:
    """One element of BER: its first byte, its parts when it is constructed, its content when it is not."""

    def __init__(self, first, content, parts, indefinite, whole):
        self.first, self.content, self.parts, self.indefinite, self.whole = first, content, parts, indefinite, whole

    @classmethod
    def read(cls, data):
        """The element that is all of these bytes."""
        element, rest = cls._take(data)
        assert not rest, f"{len(rest)} bytes follow"
        return element

    @classmethod
    def _take(cls, data):
        first, length, start = data[0], data[1], 2
        if length == 0x80:
            parts, rest = [], data[start:]
            while rest[:2] != b"\0\0":
                part, rest = cls._take(rest)
                parts.append(part)
            rest = rest[2:]
            return cls(first, None, parts, True, data[: len(data) - len(rest)]), rest
        if length > 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        content, rest = data[start : start + length], data[start + length :]
        assert len(content) == length, "cut short"
        parts = []
        if first & 0x20:
            inner = content
            while inner:
                part, inner = cls._take(inner)
                parts.append(part)
        return cls(first, content, parts, False, data[: start + length]), rest

    def shape(self):
        """First byte, how its length is written, and its content or the shapes of its parts."""
        kind = f"{self.first:02x}{'*' if self.indefinite else ''}"
        if self.first & 0x20:
            return [kind, *(part.shape() for part in self.parts)]
        return f"{kind}:{self.content.hex()}"

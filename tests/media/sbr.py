"""HE-AAC for the tests: SBR, and PS for one channel, put into the frames of an ADTS file of AAC-LC.

No free encoder writes it. What is added to each frame is lawful and small (ISO 14496-3 4.4.2.8 and 8.4.2): an
extension payload of SBR with a header, one flat and quiet envelope of BANDS bands, noise; and PS that is on and changes
nothing. Decoders find it there as they do in what is broadcast, with nothing in the ADTS header that says so (implicit
signalling): they double the rate, and there is sound above half of the core's.
"""

BANDS = 16  # what the frequencies in `payload` come to at 22.05 kHz
EXT_SBR, EXT_PS = 0xd, 2
FILL, END = 6, 7  # elements of a frame


class Bits:
    def __init__(self, data=b""):
        self.text = "".join(format(byte, "08b") for byte in data)

    def put(self, *pairs):
        """(value, width) each."""
        for value, width in pairs:
            self.text += format(value, f"0{width}b")

    def bytes(self):
        text = self.text + "0" * (-len(self.text) % 8)
        return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


def payload(channels):
    sides, b = range(channels), Bits()
    b.put((EXT_SBR, 4), (1, 1))                       # with a header:
    b.put((0, 1), (5, 4), (9, 4), (0, 3), (0, 2))     # resolution, start and stop frequency, crossover, reserved
    b.put((1, 1), (0, 1), (2, 2), (1, 1), (0, 2))     # scale of frequencies, one band of noise
    b.put((0, 1), *[(0, 1)] * (channels - 1))         # no extra data; two channels are not coupled
    b.put(*[(0, 2), (0, 2), (1, 1)] * channels)       # one envelope a frame, of high resolution
    b.put(*[(0, 2) for _ in sides])                   # coded along the frequencies, as is the noise
    b.put(*[(0, 2) for _ in sides])                   # no inverse filtering
    b.put(*[(40, 7), *[(0, 2)] * (BANDS - 1)] * channels)  # a level, and no change from band to band
    b.put(*[(15, 5) for _ in sides])                  # noise
    b.put(*[(0, 1) for _ in sides])                   # no added tones
    if channels == 1:
        b.put((1, 1), (2, 4), (EXT_PS, 2), (1, 1), (0, 3), (0, 1), (0, 2), (0, 7))  # PS: on, nothing in it; padding
    else:
        b.put((0, 1))
    return b.bytes()


def with_payload(frame, extra):
    """A frame with a fill element in front of its end, which is the last three ones of it."""
    b = Bits(frame)
    b.text = b.text.rstrip("0")
    assert b.text.endswith(format(END, "03b"))
    b.text = b.text[:-3]
    b.put((FILL, 3), *([(len(extra), 4)] if len(extra) < 15 else [(15, 4), (len(extra) - 14, 8)]))
    b.text += Bits(extra).text
    b.put((END, 3))
    return b.bytes()


def add(adts, channels):
    """The same ADTS file with SBR in each frame."""
    extra, out, at = payload(channels), bytearray(), 0
    while at < len(adts):
        size = (adts[at + 3] & 3) << 11 | adts[at + 4] << 3 | adts[at + 5] >> 5
        head, frame = bytearray(adts[at:at + 7]), with_payload(adts[at + 7:at + size], extra)
        at, size = at + size, 7 + len(frame)
        head[3:6] = head[3] & 0xfc | size >> 11, size >> 3 & 0xff, (size & 7) << 5 | head[5] & 0x1f
        out += head + frame
    return bytes(out)

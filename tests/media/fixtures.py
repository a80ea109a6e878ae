#!/usr/bin/python3
"""Media fixtures of the tests, made by ffmpeg and kept in tests/media/cache.

    import fixtures; root = fixtures.make()        # every file of FILES, below one folder
    tests/media/fixtures.py                        # the same, and prints the folder

The sound is a sweep and noise, different on each side, so no two frames are alike and a frame that
is missing, doubled or moved shows in a comparison of PCM. Fixtures are deterministic for one version
of ffmpeg; a change of this file makes them again.
"""
import concurrent.futures
import fcntl
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import sbr  # noqa: E402

CACHE = os.path.join(HERE, "cache")

SECONDS = 19.3  # three whole segments of 6 s and a short one


def sound(rate=44100, channels=2, seconds=SECONDS):
    """An ffmpeg input: a sweep from 80 Hz to 8 kHz and noise under it; the other side runs down."""
    sweep = f"0.4*sin(2*PI*80*{seconds}/log(100)*(pow(100,{{0}}/{seconds})-1))+0.05*(random({{1}})-.5)"
    sides = [sweep.format("t", 0), sweep.format(f"({seconds}-t)", 1)]
    return ["-f", "lavfi", "-i", f"aevalsrc='{'|'.join(sides[:channels])}':s={rate}:d={seconds}"]


def surround():
    """5.1 channels, each its own."""
    beeps = "|".join(f"0.2*sin(2*PI*{200 + 170 * n}*t*(1+t/40))+0.02*(random({n})-.5)" for n in range(6))
    return ["-f", "lavfi", "-i", f"aevalsrc='{beeps}':s=48000:d={SECONDS}:c=5.1"]


COVER = ["-f", "lavfi", "-i", "testsrc2=s=320x320:d=1:r=1"]
WITH_COVER = ["-map", "0:a", "-map", "1:v", "-frames:v", "1", "-c:v", "png", "-disposition:v:0", "attached_pic"]
TAGS = ["-metadata", "title=Sweep und Geräusch ♫", "-metadata", "artist=Nobody", "-metadata", "album=Fixtures"]
AAC = ["-c:a", "aac", "-b:a", "128k"]
LAME = ["-c:a", "libmp3lame"]

# name: ffmpeg arguments. Those that HLS carries come first.
ENCODED = {
    "aac.m4a": sound() + AAC,
    "aac-front.m4a": sound() + AAC + ["-movflags", "+faststart"],
    "aac-48-mono.m4a": sound(48000, 1) + ["-c:a", "aac", "-b:a", "96k"],
    "aac-cover.m4a": sound() + COVER + WITH_COVER + TAGS + AAC,
    "aac.aac": sound() + AAC + ["-f", "adts"],
    "alac.m4a": sound() + ["-c:a", "alac", "-sample_fmt", "s16p"],
    "alac-24.m4a": sound(48000) + ["-c:a", "alac", "-sample_fmt", "s32p"],
    "cbr.mp3": sound() + LAME + ["-b:a", "128k"],
    "vbr.mp3": sound() + LAME + ["-q:a", "3"],
    "bare.mp3": sound() + LAME + ["-b:a", "96k", "-write_xing", "0", "-id3v2_version", "0"],
    "half.mp3": sound(22050, 1) + LAME + ["-b:a", "48k"],  # MPEG-2, 576 samples a frame
    "cover.mp3": sound() + COVER + WITH_COVER + TAGS + LAME + ["-b:a", "128k"],
    "flac.flac": sound() + ["-c:a", "flac", "-sample_fmt", "s16"],
    "flac-24.flac": sound(48000) + COVER + WITH_COVER + TAGS + ["-c:a", "flac", "-sample_fmt", "s32"],
    "opus.opus": sound(48000) + ["-c:a", "libopus", "-b:a", "96k"],
    "opus-mono.ogg": sound(48000, 1) + TAGS + ["-c:a", "libopus", "-b:a", "48k", "-frame_duration", "60"],
    "ac3.ac3": sound(48000) + ["-c:a", "ac3", "-b:a", "192k"],
    "ac3-51.m4a": surround() + ["-c:a", "ac3", "-b:a", "384k", "-f", "mp4"],
    "eac3.eac3": sound(48000) + ["-c:a", "eac3", "-b:a", "128k"],
    "eac3.mp4": sound(44100) + ["-c:a", "eac3", "-b:a", "128k"],
    "aac-51.m4a": surround() + ["-c:a", "aac", "-b:a", "320k"],
    "flac-51.flac": surround() + ["-c:a", "flac", "-sample_fmt", "s16"],
    "mp3.mp4": sound() + LAME + ["-b:a", "128k"],
    "opus.mp4": sound(48000) + ["-c:a", "libopus", "-b:a", "96k", "-strict", "-2"],
    "opus.webm": sound(48000) + ["-c:a", "libopus", "-b:a", "96k"],
    "opus.mka": sound(48000) + TAGS + ["-c:a", "libopus", "-b:a", "64k"],
    "flac.mka": sound() + ["-c:a", "flac", "-sample_fmt", "s16"],
    "flac.mp4": sound() + ["-c:a", "flac", "-sample_fmt", "s16", "-strict", "-2"],
    "flac-96.flac": sound(96000, 2, 7) + ["-c:a", "flac", "-sample_fmt", "s32"],
    "aac-8.m4a": sound(8000, 1, 13) + ["-c:a", "aac", "-b:a", "24k"],
    "aac-11.aac": sound(11025, 1, 13) + ["-c:a", "aac", "-b:a", "24k", "-f", "adts"],
    "aac-96.m4a": sound(96000, 2, 7) + ["-c:a", "aac", "-b:a", "192k"],
    "mp3-8.mp3": sound(8000, 1, 13) + LAME + ["-b:a", "16k"],  # MPEG-2.5
    "mp3-11.mp3": sound(11025, 2, 13) + LAME + ["-b:a", "32k"],
    "one.flac": sound(seconds=0.02) + ["-c:a", "flac", "-sample_fmt", "s16"],
    "he-core.m4a": sound(22050) + ["-c:a", "aac", "-b:a", "64k"],  # what he-aac.m4a is made of,
    "he-core-mono.m4a": sound(22050, 1) + ["-c:a", "aac", "-b:a", "32k"],  # he-aac2.m4a,
    "he-core.aac": sound(22050) + ["-c:a", "aac", "-b:a", "64k", "-f", "adts"],  # and he-found.*
    "he-core-mono.aac": sound(22050, 1) + ["-c:a", "aac", "-b:a", "32k", "-f", "adts"],
    "short.m4a": sound(seconds=0.5) + AAC,
    "ladder/64.m4a": sound() + ["-c:a", "aac", "-b:a", "64k"],
    "ladder/128.m4a": sound() + AAC,
    "ladder/192.m4a": sound() + ["-c:a", "aac", "-b:a", "192k"],
    # carried as FLAC
    "pcm.wav": sound() + TAGS + ["-c:a", "pcm_s16le"],
    "pcm-24.wav": sound(48000) + ["-c:a", "pcm_s24le"],
    "pcm-8.wav": sound(8000, 1, 13) + ["-c:a", "pcm_u8"],
    "pcm-11.wav": sound(11025, 2, 13) + ["-c:a", "pcm_s16le"],
    "pcm-51.wav": surround() + ["-c:a", "pcm_s24le"],
    "pcm-96.wav": sound(96000, 2, 7) + ["-c:a", "pcm_s24le"],
    "pcm-192.aiff": sound(192000, 2, 7) + ["-c:a", "pcm_s24be"],
    "pcm-22.aiff": sound(22050, 1, 13) + ["-c:a", "pcm_s16be"],
    "law.wav": sound(8000, 1, 13) + ["-c:a", "pcm_mulaw"],
    "one.wav": sound(seconds=0.02) + ["-c:a", "pcm_s16le"],
    "vorbis.ogg": sound() + TAGS + ["-c:a", "libvorbis"],
    "vorbis-22.ogg": sound(22050, 1, 13) + ["-c:a", "libvorbis"],
    "vorbis-51.ogg": surround() + ["-c:a", "libvorbis"],
    "vorbis.webm": sound(48000) + ["-c:a", "libvorbis"],
    "vorbis.mka": sound() + ["-c:a", "libvorbis", "-q:a", "7"],
    # not carried
    "empty.wav": sound(seconds=0.02) + ["-c:a", "pcm_s16le", "-t", "0"],
    "float.wav": sound(seconds=3) + ["-c:a", "pcm_f32le"],
    "deep.wav": sound(seconds=3) + ["-c:a", "pcm_s32le"],
    "double.aiff": sound(seconds=3) + ["-c:a", "pcm_f64be"],
    "slow.mp3": sound(8000, 1, 60) + LAME + ["-b:a", "8k", "-reservoir", "0", "-write_xing", "0",
                                             "-id3v2_version", "0"],
    "slow.aac": sound(8000, 1, 60) + ["-c:a", "aac", "-b:a", "8k", "-f", "adts"],
    "vary.mp3": sound(8000, 1, 60) + LAME + ["-q:a", "8", "-write_xing", "0", "-id3v2_version", "0"],
    "minute.mp3": sound(24000, 1, 60) + LAME + ["-b:a", "32k", "-reservoir", "0", "-write_xing", "0",
                                                "-id3v2_version", "0"],
}


# AudioSpecificConfigs that ffmpeg's encoder writes, and others of the same length.
LC_22, LC_22_MONO = "139056e500", "138856e500"  # LC, 22050 Hz, and "no SBR"
LC_44 = "121056e500"
SBR = "2b92080000"      # SBR, 22050 Hz, stereo, to 44100 Hz, over LC; the rest is padding
PS = "eb8a080000"       # PS over SBR, 22050 Hz, mono, to 44100 Hz, over LC
USAC = "f948402200"     # xHE-AAC, 44100 Hz, stereo


def announce(data, was, now):
    """An m4a file whose AudioSpecificConfig says something else.

    No free encoder writes HE-AAC. A frame without SBR or PS data is lawful in such a stream: the decoder then doubles the
    rate without adding treble (ISO 14496-3, 4.6.18.5), so packaging is tested for real. Of xHE-AAC only the
    announcement is real: its frames are AAC-LC's, and nobody here could decode others.
    """
    was, now = bytes.fromhex(was), bytes.fromhex(now)
    assert data.count(was) == 1
    return data.replace(was, now)


def read(name):
    with open(name, "rb") as file:
        return file.read()


# As they were loaded: they may change under a running test.
SOURCE = read(os.path.abspath(__file__)) + read(sbr.__file__)


def derived(root):
    """Files made of other files, or of nothing: (name, bytes)."""
    mp4, front = read(f"{root}/aac.m4a"), read(f"{root}/aac-front.m4a")
    yield "he-aac.m4a", announce(read(f"{root}/he-core.m4a"), LC_22, SBR)
    yield "he-aac2.m4a", announce(read(f"{root}/he-core-mono.m4a"), LC_22_MONO, PS)
    yield "xhe-aac.m4a", announce(mp4, LC_44, USAC)
    # SBR and PS that are in the frames and nowhere announced.
    yield "he-found.aac", sbr.add(read(f"{root}/he-core.aac"), 2)
    yield "he-found2.aac", sbr.add(read(f"{root}/he-core-mono.aac"), 1)
    yield "text.mp3", b"This is not music, though the name says so.\n" * 200
    yield "empty.mp3", b""
    yield "empty.m4a", b""
    yield "cut.m4a", mp4[:len(mp4) // 2]          # the moov, which stands last, is gone
    yield "cut-front.m4a", front[:len(front) // 2]  # the moov speaks of bytes that are not there
    yield "zeros.flac", bytes(100_000)
    yield "fake.m4a", mp4[:4] + b"ftypM4A " + bytes(64) + struct.pack(">I", 0x7fffffff) + b"moov" + bytes(500)
    yield "picture.mp3", read(f"{root}/picture.png")


def ffmpeg(*args):
    done = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *args],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"ffmpeg {' '.join(args)}: {done.stderr}")


def encode(root, name, args):
    target = os.path.join(root, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    ffmpeg(*args, "-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1" if "-metadata" not in args
           else "0", target)


def build(root):
    jobs = {**ENCODED, "picture.png": COVER + ["-frames:v", "1"]}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        list(pool.map(lambda job: encode(root, *job), jobs.items()))
    for name, data in list(derived(root)):
        with open(os.path.join(root, name), "wb") as file:
            file.write(data)
    for name in ("he-found", "he-found2"):
        ffmpeg("-i", f"{root}/{name}.aac", "-c", "copy", "-bsf:a", "aac_adtstoasc", f"{root}/{name}.m4a")
    os.remove(os.path.join(root, "picture.png"))


def is_forgotten(root):
    """Made more than a day ago; a run of another version may be using a younger one."""
    return time.time() - os.stat(root).st_mtime > 86400


def make(cache=CACHE):
    """The folder with all fixtures; makes them first where they are missing or out of date."""
    version = subprocess.run(["ffmpeg", "-version"], capture_output=True, check=True).stdout.split(b"\n")[0]
    stamp = hashlib.sha256(version + SOURCE).hexdigest()[:12]
    root = os.path.join(cache, stamp)
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once make them once
        if not os.path.isdir(root):
            part = root + ".part"
            shutil.rmtree(part, ignore_errors=True)
            os.makedirs(part)
            build(part)
            for old in os.listdir(cache):
                if old not in ("lock", os.path.basename(part)) and is_forgotten(os.path.join(cache, old)):
                    shutil.rmtree(os.path.join(cache, old), ignore_errors=True)
            os.rename(part, root)
    return root


def long_mp3(target, minutes=600, minute="minute.mp3"):
    """A long MP3 or ADTS file, cheaply: one minute (of frames of constant size), over and over."""
    minute = read(os.path.join(make(), minute))
    with open(target, "wb") as out:
        for _ in range(minutes):
            out.write(minute)


def long_opus(target, minutes=600):
    """A long Ogg Opus file, cheaply: 50 packets a second of a minute's silence, copied over and over."""
    minute = f"{target}.minute.opus"
    try:
        ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", "60", "-c:a", "libopus", "-b:a", "6k", "-vbr",
               "off", minute)
        ffmpeg("-stream_loop", str(minutes - 1), "-i", minute, "-c", "copy", str(target))
    finally:
        os.remove(minute)


if __name__ == "__main__":
    print(make())
    sys.exit(0)

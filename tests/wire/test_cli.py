"""The program's arguments: what it prints, and what its exit status says."""
import json
import os
import re
import subprocess
import sys

import pytest

from segue import PROGRAM, REPO, Segue

MISTAKE = re.compile(r"[^\n]+:\d+: [^\n]+, expected [^\n]+\n")


@pytest.fixture
def segue(tmp_path):
    """Run the program in an empty folder with a folder of audio: (status, stdout, stderr)."""
    (tmp_path / "media").mkdir()

    def run(*args, env=None, stdout=subprocess.PIPE):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SEGUE_")}
        done = subprocess.run([PROGRAM, *args], cwd=tmp_path, env={**clean, **(env or {})},
                              stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                              timeout=60, text=True)
        return done.returncode, done.stdout, done.stderr
    return run


@pytest.fixture
def conf(tmp_path):
    """Write t.yaml; its name."""
    def write(text, name="t.yaml"):
        (tmp_path / name).write_text(text)
        return name
    return write


# Help and versions

def test_help_lists_the_commands(segue):
    status, out, err = segue("--help")
    assert (status, err) == (0, "")
    for name in ("serve", "check", "purge", "warm", "sign", "probe", "version"):
        assert re.search(rf"^  segue {name} +\S", out, re.M)
    assert segue("help") == segue("-h") == (status, out, err)


@pytest.mark.parametrize("name", ["serve", "check", "purge", "warm", "sign", "probe", "version", "help"])
def test_every_command_has_help(segue, name):
    status, out, err = segue(name, "--help")
    assert (status, err) == (0, "") and out.startswith(f"Usage: segue {name}")
    assert segue(name, "-h") == (status, out, err)


def test_help_of_serve_lists_the_options_and_their_variables(segue):
    out = segue("serve", "--help")[1]
    assert "  http.max_header: 16KB   [SEGUE_HTTP_MAX_HEADER]\n" in out
    assert len(re.findall(r"\[SEGUE_[A-Z_]+\]", out)) >= 26


def test_version_names_what_is_linked(segue):
    status, out, err = segue("--version")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"segue \d+\.\d+\.\d+\S*\nlibevent 2\.\S+\nOpenSSL \d\S+\nxxHash 0\.\S+\n"
                        r"libyaml 0\.\S+\n", out)
    assert segue("version") == (status, out, err)


# Usage

@pytest.mark.parametrize("args,said", [
    ([], "segue: no command, expected serve, check or probe; see segue --help"),
    (["frobnicate"], "segue: unknown command frobnicate; see segue --help"),
    (["sign"], "segue sign: nothing to do, expected URL...; see segue sign --help"),
    (["serve", "--bogus"], "segue serve: unknown option --bogus; see segue serve --help"),
    (["serve", "-x"], "segue serve: unknown option -x; see segue serve --help"),
    (["serve", "--json"], "segue serve: unknown option --json; see segue serve --help"),
    (["check", "-l", "1.2.3.4:5"], "segue check: unknown option -l; see segue check --help"),
    (["serve", "-c"], "segue serve: a value is missing after -c; see segue serve --help"),
    (["serve", "extra"], "segue serve: unexpected argument extra; see segue serve --help"),
    (["check", "t.yaml"], "segue check: unexpected argument t.yaml; see segue check --help"),
    (["probe"], "segue probe: nothing to do, expected FILE...; see segue probe --help"),
])
def test_usage_is_status_2_and_one_line(segue, args, said):
    assert segue(*args) == (2, "", said + "\n")


def test_output_that_cannot_be_written_is_no_success(segue):
    with open("/dev/full", "w") as full:
        status, _, err = segue("--help", stdout=full)
    assert status == 1 and "could not be written" in err


# check

def test_check_says_ok(segue, conf):
    assert segue("check", "-c", conf("workers: 2\n")) == (0, "t.yaml: ok\n", "")
    assert segue("check", "--config", "t.yaml") == (0, "t.yaml: ok\n", "")
    assert segue("check") == (0, "defaults: ok\n", "")


def test_the_shipped_configuration_is_the_printed_one_and_loads(segue):
    shipped = os.path.join(REPO, "conf", "segue.yaml")
    status, out, err = segue("check", "--defaults")
    assert (status, err) == (0, "")
    with open(shipped) as file:
        assert out == file.read()
    assert segue("check", "-c", shipped)[0] == 0


@pytest.mark.parametrize("text,line,said", [
    ("port: 80x80\n", 1, "port: unknown key, expected one of listen, "),
    ("workers: 1\nlisten: 127.0.0.1:80x80\n", 2,
     'listen: "127.0.0.1:80x80" is no address, expected HOST:PORT'),
    ("http:\n  bufer: 4KB\n", 2, "http.bufer: unknown key, expected http.buffer"),
    ("http:\n  buffer: lots\n", 2, 'http.buffer: "lots" is no size, expected a size from '),
    ("http:\n  buffer: 1KB\n", 2, 'http.buffer: "1KB" is too small, expected a size from '),
    ("workers: 1\nworkers: 1\n", 2, "workers: here for the second time, expected it once"),
    ("media: {root: a\nhls:\n", 2, "not YAML: did not find expected ',' or '}'"),
    ("\nmedia:\n  root: ./nowhere\n", 3,
     'media.root: "./nowhere" cannot be reached (No such file or directory), expected a directory'),
    ("media:\n  root: t.yaml\n", 2, 'media.root: "t.yaml" is no directory, expected one'),
    ("log:\n  access: nowhere/access.log\n", 2, 'log.access: "nowhere" cannot be reached'),
    ("listen:\n  - address: 127.0.0.1:0\n    tls: {certificate: c.pem, key: k.pem}\n", 2,
     "listen.tls: this build has no TLS yet, expected"),
    ("a: &a 1\nworkers: *a\n", 1, "a: unknown key, expected"),
])
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_mistake_is_one_line_with_its_place(segue, conf, command, text, line, said):
    status, out, err = segue(command, "-c", conf(text))
    assert (status, out) == (1, "")
    assert err.startswith(f"t.yaml:{line}: {said}")
    assert err.count("\n") == 1 and err.endswith("\n")


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_missing_configuration_is_status_1(segue, command):
    status, out, err = segue(command, "-c", "nowhere.yaml")
    assert (status, out) == (1, "") and MISTAKE.fullmatch(err)
    assert err.startswith("nowhere.yaml:1: cannot be opened (No such file or directory)")


# The environment

def test_a_variable_wins_over_the_file(segue, conf):
    name = conf("media:\n  root: ./nowhere\n")
    assert segue("check", "-c", name, env={"SEGUE_MEDIA_ROOT": "media"})[0] == 0
    assert segue("check", "-c", name, env={"SEGUE_MEDIA_ROOT": ""})[0] == 1


def test_a_wrong_variable_is_named(segue):
    status, out, err = segue("check", env={"SEGUE_WORKERS": "many"})
    assert (status, out) == (1, "")
    assert err == ('SEGUE_WORKERS: workers: "many" is no whole number, expected auto or a whole '
                   "number from 1 to 1024\n")


def test_a_slip_in_a_variables_name_is_a_warning(segue):
    status, out, err = segue("check", env={"SEGUE_HTTP_BUFER": "8KB", "SEGUE_BUILD": "x"})
    assert (status, out) == (0, "defaults: ok\n")
    assert "SEGUE_HTTP_BUFER: unknown variable, ignored; expected SEGUE_HTTP_BUFFER" in err
    assert "SEGUE_BUILD" not in err


# serve

@pytest.mark.parametrize("args,said", [
    (["-l", "8080"], '-l: listen: "8080" is no address, expected HOST:PORT'),
    (["-r", "nowhere"], '-r: media.root: "nowhere" cannot be reached'),
    (["-r", ""], '-r: media.root: "" is empty, expected a directory'),
])
def test_wrong_arguments_of_serve_are_status_1(segue, args, said):
    status, out, err = segue("serve", *args)
    assert (status, out) == (1, "") and err.startswith(said) and err.count("\n") == 1


def test_arguments_win_over_the_environment_and_the_file(own):
    # Were the file or the variables to win, the server would not start at all.
    with Segue("/nowhere", {"listen": "192.0.2.1:1"}, args=["-l", "127.0.0.1:0", "-r", own.root],
               env={"SEGUE_MEDIA_ROOT": "/nowhere", "SEGUE_LISTEN": "192.0.2.2:1"}) as server:
        assert server.get("/audio/small.mp3").body == own["small.mp3"]


def test_the_environment_wins_over_the_file(own):
    with Segue(own.root, {"http": {"cors_origin": "https://file"}},
               env={"SEGUE_HTTP_CORS_ORIGIN": "https://variable"}) as server:
        assert server.get("/ping")["Access-Control-Allow-Origin"] == "https://variable"


def test_serve_listens_on_ipv6(own):
    with Segue(own.root, args=["-l", "[::1]:0"]) as server:
        server.err.wait(r"listening on http://\[::1\]:\d+")


# probe

def test_probe_shows_what_the_server_would_make_of_a_file(segue):
    sys.path.insert(0, os.path.join(REPO, "tests", "media"))
    import fixtures

    names = [os.path.join(fixtures.make(), n) for n in ("aac-cover.m4a", "vbr.mp3", "flac-24.flac", "aac-51.m4a")]
    status, out, err = segue("probe", "--json", *names)
    tracks = json.loads(out)
    assert (status, err) == (0, "") and [t["file"] for t in tracks] == names
    wanted = [("aac", "mp4a.40.2", 2, 44100, 851130, 1024, ["fmp4", "ts", "packed"]),
              ("mp3", "mp4a.40.34", 2, 44100, 851130, 1105, ["ts", "packed", "bytes"]),
              ("flac", "fLaC", 2, 48000, 926400, 0, ["fmp4"]),
              ("aac", "mp4a.40.2", 6, 48000, 926400, 1024, ["fmp4", "ts", "packed"])]
    for t, w in zip(tracks, wanted):
        assert (t["codec"], t["codecs"], t["channels"], t["sample_rate"], t["samples"], t["priming"],
                t["containers"]) == w
        assert t["duration"] == pytest.approx(19.3, abs=1e-6) and t["segments"] == 4
        assert t["bitrate"] * 0.95 < t["bitrate_peak"] < t["bitrate"] * 2
    assert tracks[0]["tags"]["title"] == "Sweep und Geräusch ♫"
    status, out, err = segue("probe", *names)
    head, first = out.splitlines()[:2]
    assert (status, err) == (0, "") and head.split()[0] == "CODEC" and head.split()[-1] == "FILE"
    assert first.split()[0] == "aac" and "0:00:19.300000" in first and "fmp4,ts,packed" in first
    assert "title=Sweep und Geräusch ♫" in out


def test_probe_tells_how_it_is_sent_when_not_as_it_is(segue):
    sys.path.insert(0, os.path.join(REPO, "tests", "media"))
    import fixtures

    names = [os.path.join(fixtures.make(), n) for n in ("pcm-24.wav", "pcm-192.aiff", "vorbis.ogg")]
    status, out, err = segue("probe", "--json", *names)
    tracks = json.loads(out)
    assert (status, err) == (0, "")
    assert [(t["codec"], t["sent_as"], t["codecs"], t["samples"], t["containers"]) for t in tracks] == [
        ("pcm", "flac", "fLaC", 926400, ["fmp4"]), ("pcm", "flac", "fLaC", 1344000, ["fmp4"]),
        ("vorbis", "flac", "fLaC", 851130, ["fmp4"])]
    for t, raw_rate in zip(tracks, (48000 * 48, 192000 * 48, 44100 * 32)):
        assert raw_rate / 4 < t["bitrate"] < t["bitrate_peak"] < raw_rate * 0.75  # what is sent, not a bound
    _, out, _ = segue("probe", names[0])
    assert out.splitlines()[1].startswith("pcm ") and "fmp4 (as flac)" in out


def test_probe_of_a_missing_file_is_status_1(segue):
    status, _, err = segue("probe", "nowhere.mp3")
    assert status == 1 and err.startswith("nowhere.mp3") and err.count("\n") == 1

/* What a stream is, in the index's words: from libavformat's codec parameters to index_info and the
 * codec's own configuration. AAC takes the most care: SBR may be signalled openly, behind the
 * config, or not at all; the init segment always says it openly (HLS authoring 2.24). */
#include "segments/helper/track.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <string.h>

enum {
    RATE_MAX = 768000,
    CHANNELS_MAX = 64,
    TYPE_LC = 2,
    TYPE_SBR = 5,
    TYPE_PS = 29,
    TYPE_USAC = 42
};

static enum err describe_aac(struct track *t);
static enum err describe_flac(struct track *t);
static enum err describe_alac(struct track *t);
static enum err describe_opus(struct track *t);
static enum err describe_mp3(struct track *t);
static enum err describe_ac3(struct track *t);

#define PCM_IN "wav,aiff"

/* `formats`: the demuxers from whose files we can tell where this codec's packets lie. */
static const struct row {
    enum AVCodecID id;
    enum codec codec;
    const char *formats;
    enum err (*describe)(struct track *t);
} ROWS[] = {
    {AV_CODEC_ID_AAC, CODEC_AAC, "mov,aac", describe_aac},
    {AV_CODEC_ID_MP3, CODEC_MP3, "mp3,mov", describe_mp3},
    {AV_CODEC_ID_FLAC, CODEC_FLAC, "flac,mov,ogg,matroska", describe_flac},
    {AV_CODEC_ID_ALAC, CODEC_ALAC, "mov", describe_alac},
    {AV_CODEC_ID_OPUS, CODEC_OPUS, "ogg,mov,matroska", describe_opus},
    {AV_CODEC_ID_AC3, CODEC_AC3, "mov,ac3", describe_ac3},
    {AV_CODEC_ID_EAC3, CODEC_EAC3, "mov,eac3", describe_ac3},
    {AV_CODEC_ID_VORBIS, CODEC_VORBIS, "ogg,matroska", describe_vorbis},
    {AV_CODEC_ID_PCM_U8, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_S8, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_S16LE, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_S16BE, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_S24LE, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_S24BE, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_ALAW, CODEC_PCM, PCM_IN, describe_pcm},
    {AV_CODEC_ID_PCM_MULAW, CODEC_PCM, PCM_IN, describe_pcm},
};

static struct str extradata(const struct track *t)
{
    const AVCodecParameters *par = t->stream->codecpar;
    if (par->extradata_size <= 0)
        return STR("");
    return (struct str){(const char *)par->extradata, (size_t)par->extradata_size};
}

/* The first name of a demuxer that goes by several: "mov,mp4,m4a" is mov. */
static struct str format_name(const struct track *t)
{
    struct str name = str_of(t->format->iformat->name);
    return str_cut(&name, ',');
}

static bool listed(const char *list, struct str name)
{
    struct str rest = str_of(list);
    while (rest.n > 0) {
        if (str_eq(str_cut(&rest, ','), name))
            return true;
    }
    return false;
}

static bool is_pcm(enum AVCodecID id)
{
    return id >= AV_CODEC_ID_FIRST_AUDIO && id < AV_CODEC_ID_ADPCM_IMA_QT;
}

static enum err refuse(struct track *t)
{
    enum AVCodecID id = t->stream->codecpar->codec_id;
    if (id == AV_CODEC_ID_NONE)
        return track_fail(t, ERR_UNSUPPORTED, "its codec is unknown");
    if (is_pcm(id)) /* with nothing lost, or not at all */
        return track_fail(t, ERR_UNSUPPORTED,
                          "HLS cannot carry %s: FLAC holds integers of at most 24 bits",
                          avcodec_get_name(id));
    return track_fail(t, ERR_UNSUPPORTED, "HLS cannot carry %s", avcodec_get_name(id));
}

static const struct row *find_row(enum AVCodecID id)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (ROWS[i].id == id)
            return &ROWS[i];
    }
    return NULL;
}

/* SBR that only the decoder found (implicit signalling): the config is made to say it. */
static void add_implicit_sbr(struct track *t)
{
    const AVCodecParameters *par = t->stream->codecpar;
    bool doubled = (uint32_t)par->sample_rate == 2 * t->asc.core_rate;
    if (t->asc.object_type != TYPE_LC || !doubled)
        return;
    t->asc.object_type = par->profile == FF_PROFILE_AAC_HE_V2 ? TYPE_PS : TYPE_SBR;
    t->asc.rate = (uint32_t)par->sample_rate;
}

/* The config to keep: ours where the type is one we can write, else the file's. */
static enum err keep_aac(struct track *t, struct str original)
{
    add_implicit_sbr(t);
    t->info.aac_object_type = (uint8_t)t->asc.object_type;
    t->info.sample_rate = t->asc.rate;
    t->info.independent = t->asc.object_type != TYPE_USAC;
    t->info.preroll = 1;
    buf_reset(&t->config);
    if (t->asc.channels != 0 && asc_write(&t->asc, &t->config) == ERR_NONE)
        return ERR_NONE;
    if (original.n == 0 || t->asc.object_type > 95)
        return track_fail(t, ERR_UNSUPPORTED, "AAC of object type %u in %u channels",
                          t->asc.object_type, t->asc.channels);
    buf_reset(&t->config);
    buf_adds(&t->config, original);
    return buf_status(&t->config);
}

static bool known_type(unsigned type)
{
    return type == TYPE_LC || type == TYPE_SBR || type == TYPE_PS || type == TYPE_USAC;
}

static enum err describe_aac(struct track *t)
{
    struct str config = extradata(t);
    if (str_eq(format_name(t), STR("aac")))
        return ERR_NONE; /* ADTS: describe_adts, on the first frame */
    if (asc_read(config, &t->asc))
        return track_fail(t, ERR_MEDIA, "its AudioSpecificConfig is malformed");
    if (!known_type(t->asc.object_type))
        return track_fail(t, ERR_UNSUPPORTED, "HLS cannot carry AAC of object type %u",
                          t->asc.object_type);
    return keep_aac(t, config);
}

enum err describe_adts(struct track *t, unsigned type, uint32_t core_rate, unsigned channels)
{
    t->asc = (struct asc){.object_type = type,
                          .core_type = type,
                          .core_rate = core_rate,
                          .rate = core_rate,
                          .channels = channels};
    return keep_aac(t, STR(""));
}

static enum err describe_mp3(struct track *t)
{
    t->info.mpeg_layer3_lsf = t->info.sample_rate < 32000;
    return ERR_NONE;
}

/* Its frames hold all that a decoder has to know. */
static enum err describe_ac3(struct track *t)
{
    t->info.independent = 1;
    return ERR_NONE;
}

static enum err describe_flac(struct track *t)
{
    struct str info = extradata(t);
    if (info.n < 34)
        return track_fail(t, ERR_MEDIA, "it has no STREAMINFO");
    t->info.bits = (uint8_t)t->stream->codecpar->bits_per_raw_sample;
    t->info.independent = 1;
    buf_adds(&t->config, str_slice(info, 0, 34));
    return buf_status(&t->config);
}

static enum err describe_alac(struct track *t)
{
    struct str atom = extradata(t); /* size, "alac", version and flags, then the cookie */
    if (atom.n < 36)
        return track_fail(t, ERR_MEDIA, "it has no ALAC configuration");
    t->info.bits = (uint8_t)atom.p[17];
    t->info.independent = 1;
    buf_adds(&t->config, str_from(atom, 12));
    return buf_status(&t->config);
}

/* RFC 7845 5.1 in little-endian; the dOps box has the same fields in big-endian. */
static enum err describe_opus(struct track *t)
{
    struct str head = extradata(t);
    const unsigned char *p = (const unsigned char *)head.p;
    if (head.n < 19 || !str_starts(head, STR("OpusHead")))
        return track_fail(t, ERR_MEDIA, "it has no OpusHead");
    t->info.priming = p[10] | (uint32_t)p[11] << 8;
    t->info.independent = 1;
    buf_be8(&t->config, 0);
    buf_be8(&t->config, p[9]);
    buf_be16(&t->config, t->info.priming);
    buf_be32(&t->config,
             p[12] | (uint32_t)p[13] << 8 | (uint32_t)p[14] << 16 | (uint32_t)p[15] << 24);
    buf_be16(&t->config, p[16] | (unsigned)p[17] << 8);
    buf_adds(&t->config, str_from(head, 18));
    return buf_status(&t->config);
}

enum err describe(struct track *t)
{
    const AVCodecParameters *par = t->stream->codecpar;
    const struct row *row = find_row(par->codec_id);
    if (!row)
        return refuse(t);
    if (!listed(row->formats, format_name(t)))
        return track_fail(t, ERR_UNSUPPORTED, "%s is not packaged from a %s file",
                          codec_name(row->codec), t->format->iformat->name);
    if (par->sample_rate <= 0 || par->sample_rate > RATE_MAX || par->ch_layout.nb_channels <= 0 ||
        par->ch_layout.nb_channels > CHANNELS_MAX)
        return track_fail(t, ERR_MEDIA, "it names neither a sample rate nor channels to play");
    t->info.codec = row->codec;
    t->info.channels = (uint16_t)par->ch_layout.nb_channels;
    t->info.sample_rate = (uint32_t)par->sample_rate;
    t->info.timescale = (uint32_t)par->sample_rate;
    return row->describe(t);
}

enum err describe_init(struct track *t, AVCodecParameters *par)
{
    if (avcodec_parameters_copy(par, t->stream->codecpar) < 0)
        return ERR_NOMEM;
    par->sample_rate = (int)t->info.sample_rate;
    if (t->info.codec != CODEC_AAC)
        return ERR_NONE;
    uint8_t *copy = av_mallocz(t->config.len + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, t->config.data, t->config.len);
    av_freep(&par->extradata);
    par->extradata = copy;
    par->extradata_size = (int)t->config.len;
    return ERR_NONE;
}

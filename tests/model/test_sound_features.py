import numpy as np
import pytest
from transformers import AutoFeatureExtractor

from affectgpt.model.sound_features import LogMelFeatureExtractor

RATE = 16_000


def buzz(hz, seconds=1.0, loudness=0.1):
    time = np.arange(round(seconds * RATE)) / RATE
    harmonics = sum(np.sin(2 * np.pi * hz * number * time) / number for number in range(1, 8))
    return (loudness * harmonics).astype(np.float32)


def tone(hz):
    return (0.1 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)).astype(np.float32)


def noise(seconds=1.0, loudness=0.1):
    return (loudness * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


def features(sound, normalisation="none"):
    return LogMelFeatureExtractor(normalisation=normalisation)(sound, RATE, return_tensors="np")["input_features"][0]


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 16_000])
def test_a_frame_every_10_ms(samples):
    made = features(noise()[:samples], "clip")

    assert made.shape == (-(-samples // 160), 43) and made.dtype == np.float32
    assert np.all(np.isfinite(made))


@pytest.mark.parametrize("hz", [75, 110, 163, 220, 331, 450])
def test_pitch_is_found_between_samples(hz):
    middle = features(buzz(hz))[10:-10]

    assert 100 * 2 ** middle[:, -3] == pytest.approx(hz, rel=0.005)
    assert middle[:, -2].min() > 0.95


def test_noise_and_silence_have_no_pitch():
    for sound in (noise(), np.zeros(RATE, np.float32)):
        made = features(sound)
        assert made[:, -2].max() < 0.45
        assert np.all(made[:, -3] == 0)


def test_voicing_falls_as_noise_grows():
    voicing = [features(buzz(150) + noise(loudness=loudness))[:, -2].mean() for loudness in (0.0, 0.05, 0.2, 0.5)]

    assert voicing == sorted(voicing, reverse=True) and voicing[0] - voicing[-1] > 0.5


def test_energy_follows_loudness_in_natural_logarithms():
    quiet, loud = features(noise(loudness=0.01)), features(noise(loudness=0.1))

    assert (loud - quiet)[:, -1] == pytest.approx(np.log(100), abs=1e-3)
    assert (loud - quiet)[:, :40] == pytest.approx(np.log(100), abs=1e-2)


def test_a_tone_lights_up_the_mels_around_it():
    low, high = (np.argmax(features(tone(hz))[50, :40]) for hz in (300, 3000))

    assert 0 < low < high < 40


def test_what_is_normalised_per_clip_does_not_depend_on_level_and_register():
    melody = np.concatenate([buzz(hz, 0.5) for hz in (100, 150, 120)])
    higher = np.concatenate([buzz(hz * 1.5, 0.5) for hz in (100, 150, 120)])
    made, louder, up = (features(sound, "clip") for sound in (melody, 5 * melody, higher))

    assert louder == pytest.approx(made, abs=1e-2)
    steady = np.r_[10:40, 60:90, 110:140]
    assert up[steady, -3] == pytest.approx(made[steady, -3], abs=0.1)
    assert made[:, :40].mean(0) == pytest.approx(np.zeros(40), abs=1e-3)
    assert made[:, :40].std(0) == pytest.approx(np.ones(40), abs=1e-2)


def test_silence_is_normalised_to_nothing():
    assert np.abs(features(np.zeros(8000, np.float32), "clip")).max() < 1e-3


def test_a_long_sound_is_analysed_as_if_in_one_go():
    long = noise(60)
    late = features(long)[5000:5100]

    assert features(long[4990 * 160 : 5110 * 160])[10:110] == pytest.approx(late, abs=1e-3)


def test_a_batch_is_padded_and_masked():
    batch = LogMelFeatureExtractor()([noise(0.5), noise(1.0)], RATE, return_tensors="pt")

    assert batch["input_features"].shape == (2, 100, 43)
    assert batch["attention_mask"].sum(-1).tolist() == [50, 100]
    assert batch["input_features"][0, 50:].abs().max() == 0


def test_settings_survive_saving(tmp_path):
    LogMelFeatureExtractor(feature_size=23, normalisation="none").save_pretrained(tmp_path)
    loaded = AutoFeatureExtractor.from_pretrained(tmp_path)

    assert isinstance(loaded, LogMelFeatureExtractor)
    assert loaded(noise(0.1), RATE, return_tensors="np")["input_features"].shape == (1, 10, 23)
    assert loaded.normalisation == "none"
    # Saved again after use: what it computed for itself is no setting.
    loaded.save_pretrained(tmp_path)
    assert AutoFeatureExtractor.from_pretrained(tmp_path).to_dict() == loaded.to_dict()


@pytest.mark.parametrize(
    ("sound", "rate", "message"),
    [
        (np.zeros(0, np.float32), RATE, "at least one sample"),
        (np.full(800, np.nan, np.float32), RATE, "not finite"),
        (np.zeros(800, np.float32), 8000, "8000 Hz; resample"),
        (np.zeros((1, 2, 800), np.float32), RATE, "one channel"),
    ],
)
def test_wrong_sound_is_refused(sound, rate, message):
    with pytest.raises(ValueError, match=message):
        LogMelFeatureExtractor()(sound, rate)


@pytest.mark.parametrize("settings", [{"feature_size": 3}, {"sampling_rate": 8000}, {"normalisation": "speaker"}])
def test_wrong_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        LogMelFeatureExtractor(**settings)

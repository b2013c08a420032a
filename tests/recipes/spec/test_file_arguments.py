"""Arguments that name files: the table over the whole catalog, and what each takes."""

import pytest
from pydantic import TypeAdapter, ValidationError

from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.record import directory, lock
from keras_recipes.recipes.spec import catalog, load
from keras_recipes.recipes.spec.arguments import field_of
from keras_recipes.recipes.spec.fields import Mismatch
from keras_recipes.recipes.spec.file_arguments import (
    BY_NAME,
    FILES,
    RUN_FILES,
    Use,
    is_of_run,
    normal,
    sample,
    written,
)

# Arguments that take any text, or a list of texts, and that are no names of files: read in the
# classes' sources. An argument that is new in Keras fails the test below until it stands here or
# in the table of arguments that name files.
WORDS = {
    "adversarial_training": "layer_name",
    "layers": """
        addition_factor alpha attention_axes axes bias_axes bin_boundaries bins brightness_factor
        chain_depth clip_limit contrast_factor cropping dtype encoding equation factor
        fft_length fill_mode fill_value flash_attention frame_length frame_step
        gptq_unpacked_column_size height height_factor hue_factor idf_weights interpolation l1 l2
        logit_soft_cap lora_alpha lora_rank mag_exp mask_token mask_value max_freq max_number
        max_tokens max_value mean merge_mode min_freq min_power mode negative_slope ngrams
        noise_shape num_bins num_chains num_mel_bins num_oov_indices num_ops num_tokens offset
        oov_method oov_token output_mode output_padding output_sequence_length output_shape
        output_size padding power_iterations quantization_config ref_power renorm_clipping
        renorm_momentum reverse_dtype salt sampling_rate saturation_factor scale scaling score_mode
        sequence_length sequence_stride shared_axes sigma size sliding_window split standardize
        threshold threshold_factor tile_grid_size top_db use_cudnn value_range variance
        vocabulary_dtype weights width width_factor window x_factor y_factor
    """,
    "optimizers": """
        adam_beta_1 adam_beta_2 adam_lr_ratio adam_weight_decay beta beta_2_decay clip_threshold
        ema_overwrite_frequency epsilon_1 epsilon_2 exclude_layers initial_accumulator_value
        l1_regularization_strength l2_regularization_strength l2_shrinkage_regularization_strength
        learning_rate_power loss_scale_factor muon_a muon_b muon_c name ns_steps optimizer_map
        rms_rate warmup_steps
    """,
    "losses": "alpha beta delta dtype gamma ignore_class margin name q reduction",
    "metrics": """
        average beta class_aggregation class_id curve dtype ignore_class k label_weights name
        num_classes num_labels num_regressors num_thresholds precision recall sensitivity
        specificity summation_method target_class_ids threshold thresholds top_k
    """,
    "initializers": """
        distribution gain input_axes maxval mean minval mode output_axes scale scaling side value
        window
    """,
    "regularizers": "factor l1 l2 mode",
    "constraints": "max_value min_value rate",
    "callbacks": """
        cooldown embeddings_freq factor histogram_freq hyperparameters initial_value_threshold
        min_delta min_lr mode monitor profile_batch save_freq separator
        update_freq verbose
    """,
    "schedules": "formula",
    "weight_decay": "exclude",
    "features": "missing",
    "sources": """
        config date_format delimiter encoding name revision split task thousands x x_test y y_test
    """,
}
TEXTS = ("/etc/passwd", "below/file.txt", ["/etc/passwd"], {"layer": "/etc/passwd"})
ENTRIES = [entry for rows in catalog.tables().values() for entry in rows.values()]


def takes_text(entry, name):
    """Whether an argument takes a text that may be a path, anywhere in it."""
    field = TypeAdapter(field_of(entry, name, entry.arguments[name]))
    for text in TEXTS:
        try:
            field.validate_python(text)
        except ValidationError:
            continue
        return True
    return False


def test_every_argument_that_takes_text_is_known():
    found = {
        (entry.kind, name)
        for entry in ENTRIES
        for name in entry.arguments
        if (entry.kind, entry.name, name) not in FILES and takes_text(entry, name)
    }
    reviewed = {(kind, name) for kind, names in WORDS.items() for name in names.split()}
    assert found == reviewed


def test_the_table_has_no_dead_row_and_every_argument_with_such_a_name():
    arguments = {(e.kind, e.name, name) for e in ENTRIES for name in e.arguments}
    assert set(FILES) <= arguments
    named = {row for row in arguments if row[0] == "callbacks" and row[2] in BY_NAME}
    assert named <= set(FILES)


def test_the_runs_own_files_are_all_known():
    names = {
        value
        for name, value in vars(directory).items()
        if name.isupper()
        and isinstance(value, str)
        and name not in ("CHECKPOINTS", "PICTURES", "FILES", "RUNNING", "OUTPUTS")
    }
    assert names | {lock.LOCK} == RUN_FILES


INSIDE = (
    "a.csv",
    "deep/er/a.csv",
    "./a.csv",
    "a//b.csv",
    "logs/tensorboard",
    "ä b.csv",
    "recipe.yaml.csv",
)
OUTSIDE = (
    "", ".", "..", "../a", "a/../../b", "/a", "\\a", "a\\..\\..\\b", "C:\\a", "C:a", "~:x", "a\0b",
    "gs://bucket/a", "http://host/a", "s3://b", "file:///etc", "a/..", "result.json.", "x. /y",
)  # fmt: skip
OWN = (
    "recipe.yaml", "./recipe.yaml", "manifest.json", "result.json", "data.json", "model.keras",
    "metrics.jsonl", "gradients.jsonl", "report.html", "run.lock", "checkpoints/state",
    "checkpoints//state/state-00000001/state.json", "pretraining/x", "members/1/a.csv",
    "RESULT.JSON", "checkpoints/State/x", ".writing-1-a", "a/.writing-gone-b", "traceback.txt",
)  # fmt: skip


def test_paths():
    field = written(Use.WRITTEN)
    for path in INSIDE:
        assert field.check(path) == path
    for path in OUTSIDE:
        with pytest.raises(Mismatch, match="inside the run directory"):
            field.check(path)
    for path in OWN:
        with pytest.raises(Mismatch, match="is a file of the run itself"):
            field.check(path)
    for value in (None, 3, True, ["a"], {"a": 1}):
        with pytest.raises(Mismatch):
            field.check(value)
    assert written(Use.WRITTEN, optional=True).check(None) is None
    assert written(Use.WRITTEN, allowed="gradients.jsonl").check("gradients.jsonl")
    assert normal("a/./b//c") == "a/b/c"
    assert is_of_run("checkpoints/best.keras")
    assert not is_of_run("checkpoints/other.keras")


GOOD = ("{epoch}.keras", "a-{epoch:02d}-{val_loss:.3f}.keras", "{loss:6.2e}", "{{epoch}}", "plain")
BAD = (
    "{epoch.__doc__[127]}x", "{epoch.real}", "{epoch[0]}", "{epoch!r}", "{0}", "{}", "{epoch:/>9}",
    "{epoch:.>3}", "{epoch:9999999}", "{epoch:{width}}", "{epoch", "epoch}", "{epoch.__class__}",
    "{ epoch}", "{epoch:.999f}",
)  # fmt: skip


def test_templates():
    field = written(Use.TEMPLATE)
    for template in GOOD:
        assert field.check(template) == template
        sample(template)
    for template in BAD:
        with pytest.raises(Mismatch, match="expected fields such as"):
            field.check(template)
    for template in ("../{epoch}", "/{epoch}", "a:{epoch}"):
        with pytest.raises(Mismatch, match="inside the run directory"):
            field.check(template)
    with pytest.raises(Mismatch, match="file of the run itself"):
        field.check("checkpoints/state/{epoch}.keras")


def test_data_and_weights_come_from_this_machine_and_the_line_is_reported(tmp_path):
    text = "data: {source: {csv: {path: %s}}, target: y}\nmodel: {layers: []}\nepochs: 1\n"
    file = tmp_path / "r.yaml"
    for scheme in ("gs", "http", "s3", "hf", "file"):
        file.write_text(text % f"{scheme}://host/a.csv")
        with pytest.raises(RecipeError, match=r"r\.yaml:1:29 .*path of a file on this machine"):
            load(file)
        weights = f"initialize: {{weights: {scheme}://host/a.keras}}\n"
        file.write_text("data: {source: iris}\nmodel: {layers: []}\n" + weights)
        with pytest.raises(RecipeError, match=r"r\.yaml:3:23 initialize\.weights: expected "):
            load(file)
    file.write_text(text % "/data/mine.csv")
    assert load(file).data.source.arguments["path"] == "/data/mine.csv"

"""Planted defects that leave every run as it is said to be and every page as neat as before: a name
that leaves something out, a number of something else, a picture of another block.

Each is the arguments of a `mutants.Mutant`: name, file, old, new, tests.
"""

_INPUTS = "tests/runs/test_inputs.py"
_KEY = "tests/device/test_cache.py::test_whatever_is_baked_into_a_build_decides_its_key"
_CONTROLS = "tests/network/test_controls.py"
_FIGURES = "tests/show/test_figures.py"

RESULTS = [
    # -- names: what is found again ----------------------------------------------------------------
    (
        "a run is found that started from another state",
        "fena_sim/runs/name.py",
        "canonical(start[0].state(start[1]))",
        "canonical(start[1])",
        _INPUTS,
    ),
    (
        "a build is found that has other codes",
        "fena_sim/device/build_cache.py",
        "canonical(vocabulary.codes)",
        "canonical(vocabulary.codes.shape)",
        _KEY,
    ),
    (
        "a build is found that records other units",
        "fena_sim/device/build_cache.py",
        '"probes": canonical(monitored)',
        '"probes": [(p.population, *p.variables) for p in monitored]',
        _KEY,
    ),
    (
        "networks that were trained otherwise are one group",
        "fena_sim/runs/store/experiment.py",
        'start and start.get("experiment", start["block"])',
        'start and start["block"]',
        "tests/runs/store/test_find.py::test_networks_that_differ_by_their_seed_are_one_group_and_all_else_is_another",
    ),
    (
        "all networks of a sweep hear the tokens of seed 0",
        "fena_sim/study/sweep/points.py",
        "settings.protocol, seed=point.seed, batch=batch",
        "settings.protocol, seed=0, batch=batch",
        "tests/study/sweep/test_local.py::test_a_point_is_the_run_of_its_settings_with_the_tokens_of_its_seed",
    ),
    (
        "a level's parameter set where projections leave it",
        "fena_sim/declare/model/hierarchy.py",
        "return self.population(projection.target).level",
        "return self.population(projection.source).level",
        "tests/declare/model/test_declarations.py::test_a_key_names_one_object_or_a_level_or_all",
    ),
    # -- what a network hears ----------------------------------------------------------------------
    (
        "functions of time begin anew with every chunk",
        "fena_sim/runs/chunks.py",
        "began_at = position.step - start_step",
        "began_at = 0",
        _CONTROLS,
    ),
    (
        "functions of time are a step late",
        "fena_sim/network/pacemaker.py",
        "return {name: course.at(step, step + steps)}",
        "return {name: course.at(step + 1, step + 1 + steps)}",
        _CONTROLS,
    ),
    (
        "control signals are those of the token before",
        "fena_sim/network/pacemaker.py",
        "values[np.minimum(places, len(values) - 1)]",
        "values[np.clip(places - 1, 0, len(values) - 1)]",
        _CONTROLS,
    ),
    (
        "the gate of an event reaches beyond its presentation",
        "fena_sim/declare/protocol/timeline.py",
        "gate.at(begin, end).max()",
        "gate.at(0, end).max()",
        _CONTROLS,
    ),
    (
        "all populations hear the same noise",
        "fena_sim/network/population.py",
        "stream = zlib.crc32(population.name.encode()) & 0x7FFFFFFF",
        "stream = 0",
        "tests/network/test_noise.py::test_every_population_has_noise_of_its_own",
    ),
    (
        "a network that goes on hears the noise of seed 0",
        "fena_sim/runs/start.py",
        "for name, values in initial_state(model, seed).items()",
        "for name, values in initial_state(model, 0).items()",
        "tests/runs/test_wrong_inputs.py::test_start_with_another_parameter",
    ),
    # -- numbers -----------------------------------------------------------------------------------
    (
        "differences between other networks",
        "fena_sim/analyse/statistics.py",
        "return summarise(a - b)",
        "return summarise(np.sort(a) - np.sort(b))",
        "tests/analyse/test_statistics.py::test_pairs_are_of_the_same_network",
    ),
    (
        "lower and upper quartile swapped",
        "fena_sim/analyse/settling.py",
        "[keep[part]], QUARTILES)",
        "[keep[part]], QUARTILES[::-1])",
        "tests/analyse/test_levels.py::test_settling_curve_has_quartiles_per_bin",
    ),
    (
        "conditions of tokens that were dropped",
        "fena_sim/analyse/epochs/cut.py",
        "labels[kept].astype(str)",
        "labels[: len(kept)].astype(str)",
        "tests/analyse/epochs/test_epochs.py::test_an_epoch_is_the_recording_around_its_token",
    ),
    (
        "responses over networks locked to the onset always",
        "fena_sim/analyse/epochs/averages.py",
        "by=by, lock=lock), signal",
        "by=by), signal",
        "tests/analyse/epochs/test_averages.py::test_responses_over_networks_know_their_lock_and_their_baseline",
    ),
    (
        "deviants of the flip-flop count as standards",
        "fena_sim/analyse/mismatch.py",
        "responses[other].append(of_token(flip_flop",
        "responses[role].append(of_token(flip_flop",
        "tests/analyse/test_mismatch.py",
    ),
    (
        "the first tokens of a block count in its mismatch",
        "fena_sim/analyse/mismatch.py",
        "chosen[event] & (event >= first)",
        "chosen[event]",
        "tests/analyse/test_mismatch.py",
    ),
    (
        "the response to a token without the time before it",
        "fena_sim/analyse/response.py",
        "found[part] = response - before",
        "found[part] = response",
        "tests/analyse/test_response.py",
    ),
    (
        "depressed synapses recover from where they were two tokens ago",
        "fena_sim/analyse/adaptation.py",
        "np.concatenate([onset[:1], onset[:-1]])",
        "np.concatenate([onset[:2], onset[:-2]])",
        "tests/analyse/test_response.py",
    ),
    (
        "a certificate of the first block alone",
        "fena_sim/study/certify/certificate.py",
        "    for block in run.blocks:\n        data =",
        "    for block in run.blocks[:1]:\n        data =",
        "tests/study/certify/test_certificate.py::test_everything_that_every_block_holds_is_compared",
    ),
    # -- pictures, pages and tables ----------------------------------------------------------------
    (
        "errors after training drawn from before it",
        "figures/settling_dashboard.py",
        "error_course(run, block)",
        "error_course(run, OPTIONAL[0])",
        f"{_FIGURES}::test_courses_before_and_after_training_are_of_their_blocks",
    ),
    (
        "traces after training drawn from before it",
        "figures/token_traces.py",
        "zip(axes.T, BLOCKS, TITLES, strict=True)",
        "zip(axes.T, BLOCKS[:1] * 2, TITLES, strict=True)",
        f"{_FIGURES}::test_traces_before_and_after_training_are_of_their_blocks",
    ),
    (
        "familiar combinations drawn as novel ones",
        "figures/generalisation.py",
        'accuracy["novel"], ngrams',
        'accuracy["familiar"], ngrams',
        f"{_FIGURES}::test_novel_combinations_stand_beside_tables_of_novel_combinations",
    ),
    (
        "axes of a sweep's map swapped",
        "fena_sim/study/sweep/figure.py",
        "                part.T, origin",
        "                part, origin",
        "tests/study/sweep/test_result.py::test_over_more_keys_a_map_shows_the_median",
    ),
    (
        "presentations in a report begin with their blanks",
        "fena_sim/show/report/traces.py",
        '"onset": _rounded(events["onset"] * 1000)',
        '"onset": _rounded(events["blank_onset"] * 1000)',
        "tests/show/report/test_packed_traces.py::test_what_a_run_recorded_is_what_its_page_holds",
    ),
    (
        "exports number the units from 0",
        "fena_sim/show/export/contents.py",
        "else values[last].to_numpy()",
        "else np.arange(values.shape[-1])",
        "tests/show/export/test_csv.py::test_units_keep_their_numbers",
    ),
]

"""What is kept of the reference networks. Contract: `_kept` of `fena_sim/study/claims/references.py`; PyTorch is not needed."""

from fena_sim.study.claims import references


def test_computed_once_and_anew_when_something_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(references, "version", lambda package: "2.2")
    computed = []

    def compute():
        computed.append(None)
        return [0.5, len(computed)]

    assert references._kept({"kind": "gru"}, tmp_path, compute) == [0.5, 1]
    assert references._kept({"kind": "gru"}, tmp_path, compute) == [0.5, 1]
    assert references._kept({"kind": "elman"}, tmp_path, compute) == [0.5, 2]
    monkeypatch.setattr(references, "TRAINING", references.TRAINING + 1)
    assert references._kept({"kind": "gru"}, tmp_path, compute) == [0.5, 3]

import shutil

import icechunk

import dtedask
from dtedask.ingest import ingest


def test_a_reader_that_comes_while_the_cube_is_made_sees_nothing_or_all(folder, store, grib_bytes, monkeypatch):
    (folder / "a.grib").write_bytes(grib_bytes())
    open_repository, late = icechunk.Repository.open, []

    def just_before(*arguments, **options):
        if not late:
            late.append(True)
            raise icechunk.IcechunkError("the repository doesn't exist")
        return open_repository(*arguments, **options)

    ingest(folder, store)
    fresh = shutil.copytree(store.root, folder.parent / "fresh")  # no repository of it is open in this process
    monkeypatch.setattr(icechunk.Repository, "open", just_before)
    assert len(list(dtedask.open(fresh).list())) == 8
    assert late

import subprocess
import sys

import faceprint


def test_every_public_name_resolves() -> None:
    for name in faceprint.__all__:
        assert getattr(faceprint, name) is not None
    assert set(faceprint.__all__) == {*faceprint._HOMES, "__version__"}


def test_import_opens_only_its_own_modules_and_is_quick() -> None:
    program = """
import importlib, sys, time, typing, warnings
opened = []
def watch(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.append(args[0])
sys.addaudithook(watch)
start = time.perf_counter()
import faceprint
took = time.perf_counter() - start
strange = [p for p in opened if not p.endswith((".py", ".pyc"))]
heavy = {"numpy", "cv2", "openvino", "sqlalchemy", "pydantic"} & set(sys.modules)
print(took < 0.3, strange, heavy)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split(None, 1) == ["True", "[] set()\n"]

"""What setup.cfg cannot say: models/, protocols/ and figures/ are installed inside the package, as
fena_sim/shipped/. An editable install finds them in the checkout (see fena_sim/load/shipped.py).
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithShipped(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for kind in ("models", "protocols", "figures"):
            for path in Path(kind).rglob("*.py"):
                target = Path(self.build_lib, "fena_sim", "shipped", path)
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": BuildWithShipped})

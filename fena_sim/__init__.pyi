from .declare.model.hierarchy import Hierarchy as Hierarchy
from .declare.model.hierarchy import Settling as Settling
from .declare.model.initial import Normal as Normal
from .declare.model.initial import Uniform as Uniform
from .declare.model.likelihood import Categorical as Categorical
from .declare.model.likelihood import Gaussian as Gaussian
from .declare.model.parameter import Parameter as Parameter
from .declare.model.plasticity import Plasticity as Plasticity
from .declare.model.population import Population as Population
from .declare.model.projection import Projection as Projection
from .declare.model.readouts import Readout as Readout
from .declare.protocol.block import INITIAL as INITIAL
from .declare.protocol.block import Block as Block
from .declare.protocol.event_pace import EventPace as EventPace
from .declare.protocol.pace import FixedPace as FixedPace
from .declare.protocol.pace import SelfPaced as SelfPaced
from .declare.protocol.probe import Probe as Probe
from .declare.protocol.protocol import Protocol as Protocol
from .errors import FenaError as FenaError
from .load.model_file import load_model as load_model
from .load.protocol_file import load_protocol as load_protocol
from .runs.execute import run as run
from .runs.seeds import run_seeds as run_seeds
from .runs.store.run import Run as Run
from .runs.store.run import open_run as open_run

__version__: str

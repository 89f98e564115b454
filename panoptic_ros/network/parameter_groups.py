"""The groups of a network's parameters that an optimiser treats alike."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import Optimizer


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """
    Return two groups of all but the backbone, then two of the backbone, which has its own rate.

    Biases and norms, in the second of two, are spared the weight decay.  Frozen parameters are
    there, too: a training that goes on may free them, and has the same groups.
    """
    backbone = {id(parameter) for parameter in network.get_submodule('backbone').parameters()}
    return [{'params': [parameter for parameter in network.parameters()
                        if (id(parameter) in backbone) is inside
                        and (parameter.ndim > 1) is decayed],
             'weight_decay': weight_decay if decayed else 0.0}
            for inside in (False, True) for decayed in (True, False)]


def load_state(optimizer: Optimizer, network: nn.Module, state: dict[str, Any]) -> None:
    """
    Give an optimiser of these groups the state of an earlier one.

    Checkpoints from before the backbone always had its own groups have two groups if its rate was
    that of the rest.  The state goes by the numbers of the parameters, which follow the groups.
    """
    ours = optimizer.state_dict()['param_groups']
    if len(state['param_groups']) < len(ours):
        order = [parameter for decayed in (True, False) for parameter in network.parameters()
                 if (parameter.ndim > 1) is decayed]
        number = {id(parameter): index for group, numbered in
                  zip(optimizer.param_groups, ours, strict=True)
                  for parameter, index in zip(group['params'], numbered['params'], strict=True)}
        state = {'param_groups': ours, 'state': {
            number[id(parameter)]: state['state'][index]
            for index, parameter in enumerate(order) if index in state['state']}}
    optimizer.load_state_dict(state)

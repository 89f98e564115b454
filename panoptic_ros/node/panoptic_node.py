"""The lifecycle node: camera images in, panoptic label images and objects out."""

from __future__ import annotations

from threading import Event
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from . import parameters
from .autostart import Autostart
from .reporter import Reporter
from .session import Session

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE
RCLError = rclpy_implementation.RCLError

REPORT_PERIOD = 1.0
"""Seconds between two messages on /diagnostics and ~/statistics."""


class PanopticNode(LifecycleNode):
    """
    ``panoptic_node``: loads the model in configure, takes images while active.

    With the parameter ``autostart`` it configures and activates itself as soon as it spins, and
    again after its engine was lost.

    Parameters
    ----------
    ending
        Set when the process shall end: a build that goes on is then given up.
    options
        As for ``rclpy.lifecycle.LifecycleNode``.

    Raises
    ------
    ValueError
        A parameter given at the start is out of range.
    rclpy.exceptions.ParameterException
        A parameter given at the start has the wrong type or is out of its declared range.

    """

    def __init__(self, ending: Event | None = None, **options: Any) -> None:
        super().__init__('panoptic_node', **options)
        self._ending = ending or Event()
        self._session: Session | None = None
        self._state = 'unconfigured'
        self._fault: str | None = None
        self._put_to_rest = False
        self._settings = parameters.declare(self)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._take_parameters)
        self._answer_impossible_transitions()
        self._reporter = Reporter(self)
        # steady time: diagnostics go on while /clock stands still
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(REPORT_PERIOD, self._report, clock=steady)
        self._autostart = Autostart(self, lambda: self._state, steady)
        if self._settings.build_only:
            return
        if not self._settings.autostart:
            self.get_logger().info('autostart is false: waiting for a lifecycle manager')
        else:
            self._autostart.start()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model; FAILURE with the cause in the log and in diagnostics."""
        self._autostart.give_way()
        try:
            self._session = Session(self, lambda: self._settings, self._ending,
                                    self._report_loading)
        except Exception as error:      # rclpy would hide it, and end in on_error
            self._fault = _text(error)
            self.get_logger().error(f'cannot configure: {self._fault}; '
                                    f'{self._autostart.outlook("then configure again")}')
            return FAILURE
        self._fault, self._put_to_rest = None, False
        self._state = 'inactive'
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Announce the classes and subscribe to the camera."""
        assert self._session is not None
        self._autostart.give_way()
        try:
            self._session.activate()
        except Exception as error:      # rclpy would hide it, and end in on_error
            self._session.stop_cameras()
            self._fault = f'cannot activate: {_text(error)}'
            self.get_logger().error(
                f'{self._fault}; {self._autostart.outlook("then activate again")}')
            return FAILURE
        self._fault, self._state = None, 'active'
        topics = ', '.join(channel.camera.topic for channel in self._session.channels)
        self.get_logger().info(f'waiting for images on {topics}')
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, and finish the frame at work."""
        assert self._session is not None
        self._autostart.give_way()
        try:
            self._session.deactivate()
        except TimeoutError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.ERROR
        self._state, self._put_to_rest = 'inactive', True
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the model."""
        return self._release('unconfigured')

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, from any state."""
        return self._release('finalized')

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release what a failed transition left, so that the node can be configured again."""
        return self._release('unconfigured')

    @property
    def build_only(self) -> bool:
        """Whether ``build`` is all that was asked for."""
        return self._settings.build_only

    @property
    def is_given_up(self) -> bool:
        """Whether the node is required to start itself, and could not."""
        return self._settings.required and self._autostart.failed

    def build(self) -> bool:
        """Build and load the engine, as configure does; return whether that succeeded."""
        return bool(self.trigger_configure() == SUCCESS)

    def shut_down(self) -> None:
        """Go to the final state, if the node is not there yet."""
        if self._state != 'finalized':
            self.trigger_shutdown()

    def _release(self, state: str) -> TransitionCallbackReturn:
        self._autostart.give_way()
        session, self._session, self._state = self._session, None, state
        try:
            if session is not None:
                session.close()
        except TimeoutError as error:
            self.get_logger().error(str(error))
        return SUCCESS

    def _answer_impossible_transitions(self) -> None:
        """Refuse a transition that the present state lacks; in Jazzy it would end the process."""
        service = getattr(self, '_service_change_state', None)      # rclpy's own affair
        change = getattr(service, 'callback', None)
        if service is None or change is None:
            return

        def answer(request: ChangeState.Request,
                   response: ChangeState.Response) -> ChangeState.Response:
            try:
                return change(request, response)
            except RCLError:
                self.get_logger().error(
                    f'transition {request.transition.label or request.transition.id} is not '
                    f'possible while the node is {self._state}')
                response.success = False
                return response

        service.callback = answer

    def _check_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        try:
            self._changed(changed)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take_parameters(self, changed: list[Parameter]) -> None:
        self._settings = self._changed(changed)

    def _changed(self, changed: list[Parameter]) -> parameters.Settings:
        return self._settings.change({parameter.name: parameter.value for parameter in changed},
                                     configured=self._session is not None)

    def _report(self) -> None:
        """Publish the diagnostics; from a timer, so that silence is reported too."""
        self._abandon_lost()
        if self._session is not None:
            self._autostart.trust(sum(channel.camera.counts.segmented
                                      for channel in self._session.channels))
        fault = self._fault
        if (fault is None and self._state == 'inactive' and self._settings.autostart
                and not self._put_to_rest):
            fault = 'configured, but not active, and nobody deactivated it: activate the node'
        self._reporter.report(self._session, self._state, fault, self._settings)

    def _report_loading(self, progress: str) -> None:
        self._reporter.report_loading(progress, self._fault, self._settings)

    def _abandon_lost(self) -> None:
        """Release a GPU whose context is lost, and recover where the node started itself."""
        lost = self._session.server.lost if self._session else None
        if lost is None:
            return
        recovers = self._settings.autostart and self._state == 'active'
        cure = 'it will be opened again' if recovers else 'configure and activate the node again'
        self.get_logger().error(
            f'the engine is lost and was released: {lost.rstrip(".")}; {cure}')
        with self._autostart.driving():
            if self._state == 'active':
                self.trigger_deactivate()
            if self._session is not None:
                self.trigger_cleanup()
        self._fault = lost
        if recovers:
            self._autostart.recover()


def _text(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip('.')

"""The lifecycle node: camera images in, panoptic label images and objects out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from threading import Event
from typing import Any, TypeAlias

from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.subscription import Subscription
from rosgraph_msgs.msg import Clock as ClockMessage

from .autostart import Autostart
from .diagnostics import Reporter
from .mishaps import Mishaps, RCLError, publishable
from .parameters import Parameters
from .session import Session

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE
ERROR = TransitionCallbackReturn.ERROR

Transition: TypeAlias = 'Callable[[PanopticNode, LifecycleState], TransitionCallbackReturn]'

REPORT_PERIOD = 1.0
"""Seconds between two messages on /diagnostics and ~/statistics."""


def _told(transition: Transition) -> Transition:
    """Log an error that a transition raises; rclpy would hide it, and call on_error."""
    @wraps(transition)
    def change(node: PanopticNode, state: LifecycleState) -> TransitionCallbackReturn:
        with node.mishaps.survived(f'transition {transition.__name__.removeprefix("on_")}'):
            return transition(node, state)
        return ERROR

    return change


class PanopticNode(LifecycleNode):
    """
    ``panoptic_node``, which loads the model in configure and takes images while it is active.

    With the parameter ``autostart``, the node configures and activates itself as soon as it spins,
    and again after its engine was lost.

    Parameters
    ----------
    ending
        Event that is set when the process shall end; a build is then given up.
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
        self.mishaps = Mishaps(self.get_logger())
        """The errors of the node's callbacks that were survived."""
        self._ending = ending or Event()
        self._session: Session | None = None
        self._state = 'unconfigured'
        self._fault: str | None = None
        self._put_to_rest = False
        self._declared = Parameters(
            self, lambda: self._session.family if self._session else None)
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = partial(self._change_state, service.callback)
        self._reporter = Reporter(self, self.mishaps)
        # With steady time, diagnostics go on while /clock stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(REPORT_PERIOD, self._report, clock=steady)
        self._autostart = Autostart(self, lambda: self._state, steady)
        if self._declared.settings.build_only:
            return
        if not self._declared.settings.autostart:
            self.get_logger().info('autostart is false: waiting for a lifecycle manager')
        else:
            self._autostart.start()

    def create_subscription(self, msg_type: type, topic: str, callback: Callable[..., None],
                            *arguments: Any, **options: Any) -> Subscription:
        """Subscribe as ``rclpy.node.Node`` does, but screen rclpy's own subscription to /clock."""
        if msg_type is ClockMessage:
            callback = partial(self._take_time, callback)
        return super().create_subscription(msg_type, topic, callback, *arguments, **options)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model; after a failure, log and diagnostics tell the cause."""
        self._autostart.give_way()
        try:
            self._session = Session(self, lambda: self._declared.settings, self._ending,
                                    self._report_loading, self.mishaps,
                                    self._autostart.recovers)
        except Exception as error:      # rclpy would hide it, and call on_error
            self._fault = _text(error)
            self.get_logger().error(f'cannot configure: {self._fault}; '
                                    f'{self._autostart.outlook("then configure again")}')
            return FAILURE
        self._fault, self._put_to_rest = None, False
        self._state = 'inactive'
        return SUCCESS

    @_told
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Announce the classes and subscribe to the camera."""
        session = self._loaded()
        self._autostart.give_way()
        try:
            session.activate()
        except Exception as error:      # a later try may succeed, and the model stays loaded
            session.stop_cameras()
            self._fault = f'cannot activate: {_text(error)}'
            self.get_logger().error(
                f'{self._fault}; {self._autostart.outlook("then activate again")}')
            return FAILURE
        self._fault, self._state = None, 'active'
        topics = ', '.join(camera.subscription.topic.name for camera in session.cameras)
        self.get_logger().info(f'waiting for images on {topics}')
        return super().on_activate(state)

    @_told
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, and finish the frame at work."""
        session = self._loaded()
        self._autostart.give_way()
        try:
            session.deactivate()
        except TimeoutError as error:
            self._fault = _text(error)
            self.get_logger().error(self._fault)
            return ERROR
        self._state, self._put_to_rest = 'inactive', True
        return super().on_deactivate(state)

    @_told
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the model."""
        return self._release('unconfigured')

    @_told
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, from any state."""
        return self._release('finalized')

    @_told
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything after a failed transition, so that configure can be called again."""
        return self._release('unconfigured')

    @property
    def build_only(self) -> bool:
        """Whether the node shall only ``build``."""
        return self._declared.settings.build_only

    @property
    def is_given_up(self) -> bool:
        """Whether the node was required to start itself and could not."""
        return self._declared.settings.required and self._autostart.failed

    def build(self) -> bool:
        """Build the plan and load it, as configure does; return whether that succeeded."""
        return bool(self.trigger_configure() == SUCCESS)

    def shut_down(self) -> None:
        """Go to the final state, if the node is not there yet."""
        if self._state == 'finalized':
            return
        try:
            self.trigger_shutdown()
        except RCLError:        # the node is between two states
            self._release('finalized')

    def _loaded(self) -> Session:
        if self._session is None:
            raise RuntimeError('no model is loaded: configure again')
        return self._session

    def _release(self, state: str) -> TransitionCallbackReturn:
        self._autostart.give_way()
        session, self._session, self._state = self._session, None, state
        try:
            if session is not None:
                session.close()
        except Exception as error:      # a thread that does not end is reported as a fault
            self._fault = _text(error)
            self.get_logger().error(self._fault)
        return SUCCESS

    def _take_time(self, take: Callable[[ClockMessage], None], message: ClockMessage) -> None:
        """Ignore a time of /clock that rclpy could not compute with."""
        if (seconds := message.clock.sec) < 0:
            self.mishaps.tell('subscription /clock',
                              f'a time of {seconds} s is ignored: expected 0 s or more')
        else:
            take(message)

    def _change_state(self, change: Callable[..., Any], request: ChangeState.Request,
                      response: ChangeState.Response) -> ChangeState.Response:
        """Refuse a transition that the present state does not have; Jazzy would raise an error."""
        try:
            return change(request, response)
        except RCLError:
            transition = request.transition
            name = publishable(transition.label or transition.id, 100)
            self.get_logger().error(
                f'transition {name} is not possible while the node is {self._state}')
            response.success = False
            return response

    def _report(self) -> None:
        """Publish the diagnostics; a timer calls this, so that silence is reported, too."""
        with self.mishaps.survived('recovery of the engine'):
            self._abandon_lost()
            if self._session is not None:
                self._autostart.trust(sum(camera.counts.segmented
                                          for camera in self._session.cameras))
        fault = self._fault
        if (fault is None and self._state == 'inactive' and self._declared.settings.autostart
                and not self._put_to_rest):
            fault = 'configured, but not active, and nobody deactivated it: activate the node'
        with self.mishaps.survived('report'):
            self._reporter.report(self._session, self._state, fault, self._declared.settings)
            return
        self._reporter.report_mishaps()

    def _report_loading(self, progress: str) -> None:
        with self.mishaps.survived('report'):       # an error would give up the load
            self._reporter.report_loading(progress, self._fault, self._declared.settings)

    def _abandon_lost(self) -> None:
        """Release a GPU whose context is lost, and recover if the node started itself."""
        lost = self._session.server.lost if self._session else None
        if lost is None:
            return
        recovers = self._declared.settings.autostart and self._state == 'active'
        cure = 'it will be opened again' if recovers else 'configure and activate the node again'
        self.get_logger().error(
            f'the engine is lost and was released: {publishable(lost).rstrip(".")}; {cure}')
        with self._autostart.driving():
            if self._state == 'active':
                self.trigger_deactivate()
            if self._session is not None:
                self.trigger_cleanup()
        self._fault = lost
        if recovers:
            self._autostart.recover()


def _text(error: Exception) -> str:
    return publishable(str(error) or type(error).__name__).rstrip('.')

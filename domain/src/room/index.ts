import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { RoomEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const room: Decider<State, Command, RoomEvent, Rejection> = { category, initial, evolve, decide };

export { type Command as RoomCommand, type CreateRoom, MOST_PINS, type Rejection as RoomRejection, roomIdOf } from './decide.ts';
export { hasLeft, isMember, mayIn, membersOf, otherOf, roleOf, type RoomImage, type State as RoomState } from './state.ts';
export { privateRoomId, roomKey } from './stream.ts';

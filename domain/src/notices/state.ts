import type { MailPolicy } from '@tidings/contracts/events/notices';
import type { RoomId } from '@tidings/contracts/ids';
import type { NoticesEvent } from './events.ts';

/** When someone's digests go. */
export interface DigestTimes {
  /** Of the IANA database. */
  readonly timeZone: string;
  /** `08:00`; at least one. */
  readonly times: readonly string[];
}

export interface State {
  /** For rooms of which they say nothing else; null: as it is for everybody. */
  readonly standard: MailPolicy | null;
  readonly rooms: ReadonlyMap<RoomId, MailPolicy>;
  readonly digest: DigestTimes;
}

export const DEFAULT_DIGEST: DigestTimes = { timeZone: 'UTC', times: ['08:00'] };

export const initial: State = { standard: null, rooms: new Map(), digest: DEFAULT_DIGEST };

export const evolve = (state: State, event: NoticesEvent): State => {
  switch (event.type) {
    case 'MailPolicySet': {
      const { roomId, policy } = event.data;
      if (roomId === null) return { ...state, standard: policy };
      const rooms = new Map(state.rooms);
      if (policy === null) rooms.delete(roomId);
      else rooms.set(roomId, policy);
      return { ...state, rooms };
    }
    case 'DigestTimesSet': {
      const { timeZone, times } = event.data;
      return { ...state, digest: { timeZone, times } };
    }
    default:
      return state;
  }
};

/** What holds in a room: what its member said of it, else of all rooms, else what everybody gets: who takes part by mail alone each message, others none. */
export const policyIn = ({ standard, rooms }: Pick<State, 'standard' | 'rooms'>, roomId: RoomId, isOutsider: boolean): MailPolicy =>
  rooms.get(roomId) ?? standard ?? (isOutsider ? 'at-once' : 'never');

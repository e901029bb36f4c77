/** Who is typing, as each node tells it to the streams it holds: not too often, and ended when nothing more is heard. */
import type { Whisper } from '@tidings/contracts/ephemeral';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { roomAudience } from '@tidings/projections/feed/rows';
import { ephemeralFrame } from './frames.ts';
import type { Hub } from './hub.ts';

/** Of one user in one room, told again at the earliest. */
const AGAIN_MS = 3_000;
/** Ends by itself, so long after it was last said. */
const ENDS_MS = 6_000;

type TypingWhisper = Extract<Whisper, { readonly type: 'typing' }>;

interface Typist {
  readonly toldAt: number;
  /** What the others believe. */
  readonly isTyping: boolean;
  readonly ending: NodeJS.Timeout;
}

export class TypingTellers {
  readonly #hub: () => Hub | null;
  readonly #now: () => number;
  readonly #typists = new Map<string, Typist>();

  constructor(hub: () => Hub | null, now: () => number) {
    this.#hub = hub;
    this.#now = now;
  }

  hear(whisper: TypingWhisper): void {
    const { roomId, userId, typing } = whisper;
    const key = `${roomId} ${userId}`;
    const before = this.#typists.get(key);
    if (before !== undefined) clearTimeout(before.ending);
    const now = this.#now();
    const isDue = before === undefined || now - before.toldAt >= AGAIN_MS;
    if (typing) {
      if (isDue) this.#tell(whisper);
      const ending = setTimeout(() => this.hear({ ...whisper, typing: false }), ENDS_MS);
      this.#typists.set(key, { toldAt: isDue ? now : before.toldAt, isTyping: isDue || before.isTyping, ending: ending.unref() });
    } else if (before !== undefined) {
      if (before.isTyping) this.#tell(whisper);
      const ending = setTimeout(() => this.#typists.delete(key), AGAIN_MS); // so that on and off is not told at any pace
      this.#typists.set(key, { toldAt: before.toldAt, isTyping: false, ending: ending.unref() });
    }
  }

  stop(): void {
    for (const { ending } of this.#typists.values()) clearTimeout(ending);
    this.#typists.clear();
  }

  #tell({ roomId, userId, typing, hideFrom }: TypingWhisper): void {
    const hub = this.#hub();
    if (hub === null) return;
    const frame = ephemeralFrame({ type: 'Typing', createdAt: timestamp(this.#now()), roomId, userId, typing });
    for (const viewer of othersIn(hub, roomId, userId)) if (!hideFrom.includes(viewer)) hub.whisper(viewer, frame);
  }
}

const othersIn = (hub: Hub, roomId: RoomId, userId: UserId): readonly UserId[] =>
  [...hub.viewersOf(roomAudience(roomId))].filter((viewer) => viewer !== userId);

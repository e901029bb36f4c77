/** One open connection. Ten thousand of them lie idle most of the time, so each keeps a socket, a few numbers and nothing else. */
import type { UserId } from '@tidings/contracts/ids';
import type { Socket } from 'node:net';
import { HEARTBEAT } from './frames.ts';

export type Ending = 'client' | 'slow' | 'expired' | 'failed' | 'stopping';

/** Unsent bytes a stream may pile up before it is closed; its client comes back and resumes. */
export const MAX_UNSENT = 1024 * 1024;
/** Unsent bytes at which a catch-up waits for the client to read. */
const PAUSE_AT = 256 * 1024;
/** Heartbeats in a row that found bytes still unsent: the client has stopped reading. */
const MAX_STALLED = 8;

export class Stream {
  readonly user: UserId;
  /** Its slot in the heartbeat wheel. */
  slot = 0;
  ending: Ending | null = null;
  readonly #socket: Socket;
  readonly #expiresAt: number;
  #stalled = 0;

  constructor(socket: Socket, user: UserId, expiresAt: number) {
    this.#socket = socket;
    this.user = user;
    this.#expiresAt = expiresAt;
  }

  get open(): boolean {
    return this.ending === null && !this.#socket.destroyed;
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Sends, or closes the stream when its client reads too slowly. False when the stream is over. */
  send(frame: Buffer): boolean {
    if (!this.open) return false;
    if (this.unsent > 0 && this.unsent + frame.length > MAX_UNSENT) {
      this.close('slow');
      return false;
    }
    this.#socket.write(frame);
    return true;
  }

  /** As `send`, at the client's pace. */
  async deliver(frame: Buffer): Promise<boolean> {
    if (!this.send(frame)) return false;
    if (this.unsent > PAUSE_AT) await this.#drained();
    return this.open;
  }

  /** What is sent until `uncork` leaves in one piece. */
  cork(): void {
    this.#socket.cork();
  }
  uncork(): void {
    this.#socket.uncork();
  }

  /** Called every few seconds: a comment for the client, and an end for tokens and readers whose time is up. */
  beat(now: number): void {
    if (this.ending !== null) {
      this.destroy(); // it was told to end one turn ago and its peer does not let go
    } else if (now >= this.#expiresAt) {
      this.close('expired');
    } else if (this.unsent === 0) {
      this.#stalled = 0;
      this.send(HEARTBEAT);
    } else if (++this.#stalled >= MAX_STALLED) {
      this.close('slow');
    }
  }

  /** Ends the stream once what is written is sent; at once when its client does not read. */
  close(ending: Ending): void {
    if (this.ending !== null) return;
    this.ending = ending;
    if (ending === 'slow') this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }
}

/**
 * One SMTP session: smtp-server's connection with our own bounds. It greets at once (the library waits 100 ms to catch early talkers,
 * which caps a client at ten sessions a second), lets a reply carry its own enhanced status code, and knows how long its client keeps us waiting.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { MessageParser } from './message-parser.ts';
import type { Reply } from './reply.ts';

/** What a session asks of the door it came through. */
export interface House {
  readonly limits: {
    /** Between two messages; a mail to 100 recipients takes about as many. */
    readonly maxCommands: number;
    /** Refused commands, as other servers' hard error limits. */
    readonly maxErrors: number;
    readonly idleTimeoutMs: number;
    readonly dataTimeoutMs: number;
  };
  readonly now: () => number;
  /** Why this session may not begin; null when it may. */
  admit(session: Session): Reply | null;
  left(session: Session): void;
}

/** Within a message a client owes us at least so much. */
const BYTES_PER_MS = 1_024 / 1_000;
const OWN_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /;

type Callback = () => void;

export class Session extends SMTPConnection {
  readonly #house: House;
  #commands = 0;
  #errors = 0;
  /** Since when it is the client's turn. */
  #turnSince: number;

  constructor(house: House, server: SMTPServer, socket: Socket | TLSSocket, options?: SMTPConnectionOptions) {
    super(server, socket, options);
    this.#house = house;
    this.#turnSince = house.now();
  }

  override _createParser(): MessageParser {
    const parser = new MessageParser({ maxCommandLength: this._server.options.maxCommandLength });
    parser.oncommand = (command, callback) => this._onCommand(command, callback);
    parser.on('error', ({ message }: Error) => this.send(421, `4.7.0 ${message}`));
    return parser;
  }

  override init(): void {
    this._setListeners(() => {
      const refusal = this.#house.admit(this);
      if (refusal === null) this.connectionReady();
      else this.send(refusal.responseCode, refusal.message);
    });
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const carriesStatus = typeof data === 'string' && OWN_STATUS.test(data);
    super.send(code, data, carriesStatus ? false : context);
    if (code < 400 || code === 421) return;
    this.#errors += 1;
    if (this.#errors > this.#house.limits.maxErrors) this.send(421, '4.7.0 Too many errors');
  }

  override _onCommand(command: Buffer, callback?: Callback): void {
    this.#commands += 1;
    if (this.#commands > this.#house.limits.maxCommands) {
      this.send(421, '4.7.0 Too many commands');
      return;
    }
    super._onCommand(command, () => {
      this.#turnSince = this.#house.now();
      callback?.();
    });
  }

  override handler_DATA(command: Buffer, callback: Callback): void {
    this.#commands = 0;
    super.handler_DATA(command, callback);
  }

  /** Runs at the end of every transaction. */
  override _resetSession(): void {
    this.#turnSince = this.#house.now();
    super._resetSession();
  }

  override _onClose(): void {
    this.#house.left(this);
    super._onClose();
  }

  /** True between DATA and its reply. */
  get isReceiving(): boolean {
    return this._dataStream !== false && this._dataStream !== null;
  }

  get #isOurTurn(): boolean {
    if (this._handlerPending || this._parser === false) return true;
    if (!this.isReceiving) return false;
    return !this._parser._dataMode || (this._dataStream !== false && this._dataStream?.writableNeedDrain === true);
  }

  /**
   * How long the client has kept us waiting: for a whole command (single bytes do not count), or by how much it is behind a trickle within
   * a message. Nothing while it is our turn.
   */
  behindMs(now: number): number {
    if (this.#isOurTurn || this._parser === false) return 0;
    const waited = now - this.#turnSince;
    return this.isReceiving ? waited - this._parser.dataBytes / BYTES_PER_MS : waited;
  }

  /** Ends the session when its client took too long. */
  endIfOverdue(now: number): void {
    const { idleTimeoutMs, dataTimeoutMs } = this.#house.limits;
    if (this.behindMs(now) > idleTimeoutMs) this.send(421, '4.4.2 Timeout, closing the session');
    else if (this.isReceiving && !this.#isOurTurn && now - this.#turnSince > dataTimeoutMs)
      this.send(421, '4.4.2 The message took too long');
  }
}

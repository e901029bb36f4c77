/**
 * One SMTP session: smtp-server's connection with our own bounds. It greets at once (the library waits 100 ms to catch early talkers,
 * which caps a client at ten sessions a second), and lets a reply carry its own enhanced status code.
 */
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';

/** RFC 5321 §4.5.3.2: minutes for a peer that is slow, not hours for one that drips. */
const DATA_DEADLINE_MS = 15 * 60_000;
/** Commands between two messages; a mail to 100 recipients takes about as many. */
const MAX_COMMANDS = 1_000;
/** Refused commands of one session, as other servers' hard error limits. */
const MAX_ERRORS = 100;

const OWN_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /;

type Callback = () => void;

export class Session extends SMTPConnection {
  #commands = 0;
  #errors = 0;
  #deadline: NodeJS.Timeout | undefined;

  override init(): void {
    this._setListeners(() => {
      const { maxClients } = this._server.options;
      if (maxClients !== undefined && this._server.connections.size > maxClients) {
        this.send(421, `${this.name} Too many sessions, please try again later`, false);
        return;
      }
      this.connectionReady();
    });
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const carriesStatus = typeof data === 'string' && OWN_STATUS.test(data);
    super.send(code, data, carriesStatus ? false : context);
    if (code < 400 || code === 421) return;
    this.#errors += 1;
    if (this.#errors > MAX_ERRORS) this.send(421, '4.7.0 Too many errors');
  }

  override _onCommand(command: Buffer, callback?: Callback): void {
    this.#commands += 1;
    if (this.#commands > MAX_COMMANDS) this.send(421, '4.7.0 Too many commands');
    else super._onCommand(command, callback);
  }

  override handler_DATA(command: Buffer, callback: Callback): void {
    this.#commands = 0;
    this.#deadline = setTimeout(() => this.send(421, '4.4.2 The message took too long'), DATA_DEADLINE_MS);
    this.#deadline.unref();
    super.handler_DATA(command, callback);
  }

  /** Runs at the end of every transaction. */
  override _resetSession(): void {
    clearTimeout(this.#deadline);
    super._resetSession();
  }

  override _onClose(): void {
    clearTimeout(this.#deadline);
    super._onClose();
  }

  /** True between DATA and its reply. */
  get isReceiving(): boolean {
    return this._dataStream !== false && this._dataStream !== null;
  }
}

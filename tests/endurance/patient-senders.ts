/** Other mail servers, over raw sockets: each keeps a mail until it was accepted, and sends it again whatever became of us meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import { dial } from '../../services/smtp-ingress/src/testing/smtp-dialogue.ts';
import type { Program } from '../kit/program.ts';
import type { Person } from '../acceptance/town.ts';

/** Some are held in memory, some streamed to the store. */
const SIZES = [300, 6_000, 300_000, 1_200_000];
/** Small, so that a crash finds most mails half sent. */
const PIECE_BYTES = 16 * 1024;
/** What starts again needs the processor itself. */
const AGAIN_MS = 150;

export class PatientSenders {
  /** Subjects of what was answered 250. */
  readonly accepted: string[] = [];
  /** Attempts that came to nothing. */
  broken = 0;
  readonly #program: () => Program;
  readonly #to: Person;
  readonly #working: readonly Promise<void>[];
  #isEnough = false;

  /** @param program the one that runs now */
  constructor(program: () => Program, to: Person, servers: number) {
    this.#program = program;
    this.#to = to;
    this.#working = Array.from({ length: servers }, (_, server) => this.#work(server));
  }

  /** Lets each server get rid of the mail it has in hand. */
  async finish(): Promise<void> {
    this.#isEnough = true;
    await Promise.all(this.#working);
  }

  async #work(server: number): Promise<void> {
    for (let n = 0; !this.#isEnough; n += 1) {
      const subject = `Patient ${server} ${n}`;
      const head = `From: ${server}@patient.example\r\nSubject: ${subject}\r\nMessage-ID: <${n}.${server}.${this.#to.id}@patient.example>\r\n\r\n`;
      const body = `${'the very same bytes each time, as a queue keeps them '.repeat(1 + (n % 3))}\r\n`;
      const mail = `${head}${body.repeat(Math.ceil((SIZES[n % SIZES.length] ?? 0) / body.length))}.\r\n`;
      while (!(await this.#isAccepted(mail))) {
        this.broken += 1;
        await delay(AGAIN_MS);
      }
      this.accepted.push(subject);
    }
  }

  async #isAccepted(mail: string): Promise<boolean> {
    const dialogue = await dial(this.#program().smtpPort);
    try {
      await dialogue.reply();
      for (const line of ['EHLO patient.example', 'MAIL FROM:<queue@patient.example>', `RCPT TO:<${this.#to.email}>`, 'DATA']) {
        if (/^[45]/.test(await dialogue.say(line))) return false;
      }
      for (let at = 0; at < mail.length; at += PIECE_BYTES) {
        dialogue.send(mail.slice(at, at + PIECE_BYTES));
        await new Promise(setImmediate);
      }
      return (await dialogue.reply()).startsWith('250 ');
    } catch {
      return false; // it went away: nothing was promised
    } finally {
      dialogue.close();
    }
  }
}

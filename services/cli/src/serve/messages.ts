/** What supervisor and children say to each other over their channel. */

export interface Endpoints {
  readonly http?: { readonly host: string; readonly port: number };
  readonly smtp?: { readonly host: string; readonly port: number };
}

export type FromChild =
  | { readonly type: 'ready'; readonly endpoints: Endpoints }
  /** It could not start; `reason` is a sentence for the person at the terminal. */
  | { readonly type: 'failed'; readonly reason: string };

export type ToChild =
  /** Code may be loaded before, and nothing else done. */
  { readonly type: 'begin' } | { readonly type: 'stop' };

/** To whoever started the supervisor with a channel (tests, benchmarks). */
export interface ProgramReady {
  readonly type: 'program-ready';
  readonly running: Running;
}

/** What runs where; also in `DATA_DIR/run.json` while it runs. */
export interface Running {
  readonly pid: number;
  readonly httpUrl: string | null;
  readonly smtp: { readonly host: string; readonly port: number } | null;
  /** Null with an issuer of one's own. */
  readonly devIssuer: string | null;
  /** Of the embedded Postgres; null with a database of one's own. Holds no secret: who may enter the socket's folder may connect. */
  readonly embeddedUrl: string | null;
}

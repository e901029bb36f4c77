/** The started program and people to talk in it, for the chat benches. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { startIssuer, type TestIssuer } from '../tests/kit/issuer.ts';
import { type Program, startProgram } from '../tests/kit/program.ts';

export interface Talker {
  readonly id: string;
  readonly token: string;
}

/** Starts the program with an issuer of its own and tokens for so many people; nobody has called it yet. */
export const withTalkers = async <A>(count: number, use: (program: Program, talkers: readonly Talker[]) => Promise<A>): Promise<A> => {
  const issuer = await startIssuer();
  const program = await startProgram({ env: { OIDC_ISSUER: issuer.url, RATE_LIMITS: 'off' } });
  try {
    return await use(program, await talkersOf(issuer, count));
  } finally {
    await program.stop();
    await issuer.close();
  }
};

/** Tokens for so many people without addresses. */
export const talkersOf = (issuer: TestIssuer, count: number): Promise<readonly Talker[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const id = randomUUID();
      return { id, token: await issuer.token({ sub: id, name: `User ${index}` }) };
    }),
  );

/** Gives an order to a process of its own and waits for what it answers; `Result` is what that module sends. */
export const inProcess = async <Result>(module: URL, order: object): Promise<Result> => {
  const child = fork(module, { serialization: 'advanced' });
  try {
    child.send(order);
    return await answerOf<Result>(child);
  } finally {
    child.kill();
  }
};

/** @throws when it ends without an answer */
export const answerOf = async <Result>(child: ChildProcess): Promise<Result> => {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`a helper of the bench ended with ${String(code)}`);
  });
  const [answer] = (await Promise.race([once(child, 'message'), exit])) as [Result]; // our own module sent it
  ended.abort();
  exit.catch(() => undefined);
  return answer;
};

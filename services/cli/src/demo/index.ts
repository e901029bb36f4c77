/** `tidings demo`: a short story, played against a backbone of its own or one that runs. */
import { parseArgs } from 'node:util';
import { type Backbone, runningBackbone, startBackbone } from './backbone.ts';
import { DemoFailed } from './failed.ts';
import { gather } from './people.ts';
import { behind } from './scenes/behind.ts';
import { changes } from './scenes/changes.ts';
import { group, privateRoom } from './scenes/chat.ts';
import { friends } from './scenes/friends.ts';
import { mail } from './scenes/mail.ts';
import { createStage, type Stage } from './stage.ts';

const LONGEST_MS = 120_000;

/**
 * @param args `--url http://… --smtp host:port` for a backbone that runs; nothing for a fresh one
 * @throws DemoFailed with a sentence when anything goes another way than told; what it started is stopped by then
 */
export const demoCommand = async (args: readonly string[], stdout: NodeJS.WriteStream): Promise<number> => {
  const { url, smtp } = optionsIn(args);
  const began = performance.now();
  const end = endOf();
  const stage = createStage(stdout);
  let backbone: Backbone | null = null;
  try {
    backbone = url === undefined ? await startBackbone(end.signal) : await runningBackbone(url, smtp);
    await Promise.race([play(backbone, stage, end.signal), end.asked]);
  } catch (error) {
    if (end.signal.aborted) throw end.signal.reason;
    throw withLog(error, backbone?.log() ?? '');
  } finally {
    end.streams();
    await backbone?.stop();
    end.forget();
  }
  stage.end(`The end, after ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  return 0;
};

const play = async (backbone: Backbone, stage: Stage, signal: AbortSignal): Promise<void> => {
  const { httpUrl, smtp, about } = backbone;
  stage.title(
    'Tidings: a short story',
    `${about}: ${httpUrl}, SMTP at ${smtp.host}:${smtp.port}.`,
    '⇢ marks what comes over a live stream.',
  );
  const cast = await gather(backbone, stage, signal);
  for (const scene of [friends, privateRoom, group, changes, mail, behind]) await scene(cast);
};

const optionsIn = (
  args: readonly string[],
): { readonly url: string; readonly smtp: string } | { readonly url?: never; readonly smtp?: never } => {
  const { url, smtp } = parsed(args);
  if (url === undefined && smtp === undefined) return {};
  if (url === undefined || smtp === undefined) throw new DemoFailed('give both --url and --smtp of a running backbone, or neither');
  return { url, smtp };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: { url: { type: 'string' }, smtp: { type: 'string' } } }).values;
  } catch (error) {
    throw new DemoFailed(error instanceof Error ? error.message : String(error), { cause: error });
  }
};

/** Ctrl-C, or a story that takes far too long. */
const endOf = () => {
  const ending = new AbortController();
  const stop = (): void => ending.abort(new DemoFailed('stopped before the end'));
  const timer = setTimeout(() => ending.abort(new DemoFailed(`the story took longer than ${LONGEST_MS / 1000} s`)), LONGEST_MS);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const { promise: asked, reject } = Promise.withResolvers<never>();
  asked.catch(() => undefined); // the end of the streams after the story is nobody's failure
  ending.signal.addEventListener('abort', () => reject(ending.signal.reason as Error)); // always one of the two above
  return {
    asked,
    signal: ending.signal,
    streams: () => ending.abort(new DemoFailed('the story is over')),
    forget: () => {
      clearTimeout(timer);
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
};

const withLog = (error: unknown, log: string): unknown => {
  const reason = error instanceof Error ? error.message : String(error);
  return log.trim() === '' || reason.includes(log) ? error : new DemoFailed(`${reason}\n\nThe backbone said:\n${log}`, { cause: error });
};

import { afterEach, describe, expect, it } from 'vitest';
import { createHeadWatch, type HeadWatch, type PollPace } from './heads.ts';

const NEVER: PollPace = { hotMs: 60_000, idleMs: 60_000 };
const OFTEN: PollPace = { hotMs: 1, idleMs: 5 };

/** A head row that the test moves. */
const given = (pace: PollPace) => {
  const row = { position: 0, polls: 0 };
  const heads = createHeadWatch(
    async () => {
      row.polls += 1;
      return new Map([[0, row.position]]);
    },
    pace,
    undefined,
  );
  open.push(heads);
  return { row, heads };
};
const open: HeadWatch[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((heads) => heads.close()));
});

/** Someone who waits; tells whether they still do. */
const waiter = (heads: HeadWatch, position: number, types?: readonly string[]) => {
  const state = { isAwake: false };
  const woken = heads.waitBehind(0, position, new AbortController().signal, types).then(() => {
    state.isAwake = true;
  });
  return { state, woken };
};
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('the heads of a log', () => {
  it('wake who waits for anything by any hint, and who waits for types by a hint of one of them', async () => {
    const { heads } = given(NEVER);
    const [all, mail] = [waiter(heads, 0), waiter(heads, 0, ['MailSent', 'MailFiled'])];
    heads.learn(0, 5, ['ChatSent']);
    await all.woken;
    await settled();
    expect(mail.state.isAwake).toBe(false);
    heads.learn(0, 6, ['ChatSent', 'MailFiled']);
    await mail.woken;
  });

  it('take a hint without types for anything', async () => {
    const { heads } = given(NEVER);
    const mail = waiter(heads, 0, ['MailSent']);
    heads.learn(0, 5);
    await mail.woken;
    expect(heads.claimed(0)).toBe(5);
  });

  it('wake who waits for types soon when nobody tells, and who waits behind what was told not at all', async () => {
    const { row, heads } = given(OFTEN);
    heads.learn(0, 3, ['MailSent']);
    row.position = 3;
    const behind = waiter(heads, 3, ['MailSent']);
    const untold = waiter(heads, 3, ['MailFiled']);
    await settled();
    expect([behind.state.isAwake, untold.state.isAwake]).toEqual([false, false]);
    row.position = 4;
    await Promise.all([behind.woken, untold.woken]);
  });

  it('doubt after a second what hints told', async () => {
    const { row, heads } = given(OFTEN);
    heads.learn(0, 7, ['ChatSent']);
    row.position = 7;
    const mail = waiter(heads, 0, ['MailSent']);
    const from = performance.now();
    await mail.woken;
    expect(performance.now() - from).toBeGreaterThan(500);
  });

  it('let no wrong hint hide a true one', async () => {
    const { heads } = given(NEVER);
    heads.learn(0, 999_999);
    const claimed = heads.claimed(0);
    heads.learn(0, 4, ['MailSent']);
    heads.disprove(0, claimed, 3); // by a read that ended before the fourth was written
    expect(heads.claimed(0)).toBe(4);
    await waiter(heads, 3, ['MailSent']).woken;
  });

  it('forget wrong hints, also wrong ones below a wrong one', async () => {
    const { heads } = given(NEVER);
    heads.learn(0, 3, ['ChatSent']);
    heads.learn(0, 999_999, ['MailSent']);
    heads.learn(0, 888_888, ['MailSent']);
    heads.disprove(0, heads.claimed(0), 3);
    heads.disprove(0, heads.claimed(0), 3);
    expect(heads.claimed(0)).toBe(3);
    const mail = waiter(heads, 3, ['MailSent']);
    heads.learn(0, 4, ['ChatSent']);
    await settled();
    expect(mail.state.isAwake).toBe(false);
    heads.learn(0, 5, ['MailSent']);
    await mail.woken;
  });
});

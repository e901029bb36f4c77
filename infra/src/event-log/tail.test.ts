import type { LogPage, Position } from '@tidings/contracts/ports/event-log';
import { expect, it } from 'vitest';
import { tailBy } from './tail.ts';

it('says that it is at the head, also where a full page ended just there', async () => {
  const at = (next: string, atHead: boolean): LogPage => ({ events: [], next: next as Position, atHead });
  const pages = [at('1', false), at('1', true)];
  const ending = new AbortController();
  const read = async (): Promise<LogPage> => pages.shift() ?? at('1', true);
  const waitBehind = async (): Promise<void> => ending.abort();
  const told: LogPage[] = [];
  for await (const page of tailBy({ read, waitBehind, after: '0' as Position, signal: ending.signal })) told.push(page);
  expect(told.map(({ atHead }) => atHead)).toEqual([false, true]);
});

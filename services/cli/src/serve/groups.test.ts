import { describe, expect, it } from 'vitest';
import { argsOf, groupsFrom, groupsOf, nicenessOf, nodeOptionsOf, serviceNames } from './groups.ts';

describe('groups of services', () => {
  it('are told to a process and read there, in the order of their start', () => {
    for (const services of [serviceNames, ['sse', 'smtp-ingress'], ['outbox']] as const) {
      const groups = groupsOf(services);
      expect(groupsFrom(argsOf(groups))).toEqual(groups);
    }
    expect(argsOf(groupsOf(['smtp-ingress', 'sse', 'projector']))).toEqual([
      'projector',
      'projector',
      'api',
      'sse',
      'smtp',
      'smtp-ingress',
    ]);
  });

  it.each([[[]], [['api']], [['api', 'nothing']], [['smtp', 'sse']]])('are refused when %j says something else', (args) => {
    expect(groupsFrom(args)).toBeNull();
  });

  it('wait for others only in a process of their own', () => {
    expect(nicenessOf(groupsOf(['filing', 'importer']))).toBe(15);
    expect(nicenessOf(groupsOf(['filing', 'sse']))).toBeUndefined();
    expect(nodeOptionsOf(groupsOf(['filing']))).toEqual([]);
    expect(nodeOptionsOf(groupsOf(['outbox']))).toEqual(['--max-semi-space-size=32', '--min-semi-space-size=16']);
    expect(nodeOptionsOf(groupsOf(['sse']))).toEqual(['--max-semi-space-size=32']);
    expect(nodeOptionsOf(groupsOf(serviceNames))).toEqual(['--max-semi-space-size=64', '--min-semi-space-size=64']);
  });
});

/** One-way imports between the rooms (architecture §1): services → infra, projections, domain → contracts; no circles anywhere. */
const room = (name) => `^${name}/`;
/** What only runs under vitest: tests, and the kits and contract suites beside them. It may lean on anything. */
const testing = '(\\.test\\.ts|/testing/[^/]+\\.ts|/test-kit\\.ts)$';
const only = (from, allowed) => ({
  name: `${from}-imports-only-${allowed.join('-') || 'itself'}`,
  comment: `${from} may import ${allowed.join(', ') || 'no other package'} (architecture §1)`,
  severity: 'error',
  from: { path: room(from), pathNot: testing },
  to: { path: '^(contracts|domain|projections|infra|services|tests|scripts|bench)/', pathNot: [from, ...allowed].map(room).join('|') },
});

export default {
  forbidden: [
    only('contracts', []),
    only('domain', ['contracts']),
    only('projections', ['contracts']),
    only('infra', ['contracts']),
    only('services', ['contracts', 'domain', 'projections', 'infra']),
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'pure-domain',
      comment: 'domain does no I/O',
      severity: 'error',
      from: { path: room('domain'), pathNot: testing },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?url$' },
    },
    {
      name: 'no-testing-outside-tests',
      severity: 'error',
      from: { path: '^(contracts|domain|projections|infra|services)/', pathNot: testing },
      to: { path: testing },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)node_modules/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'], extensions: ['.ts', '.mjs', '.js'] },
  },
};

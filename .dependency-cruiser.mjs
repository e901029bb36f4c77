/** One-way imports between the rooms (architecture §1): services → infra, projections, domain → contracts; no circles anywhere. */
const room = (name) => `^${name}/`;
const only = (from, allowed) => ({
  name: `${from}-imports-only-${allowed.join('-') || 'itself'}`,
  comment: `${from} may import ${allowed.join(', ') || 'no other package'} (architecture §1)`,
  severity: 'error',
  from: { path: room(from) },
  to: { path: '^(contracts|domain|projections|infra|services|tests|scripts|bench)/', pathNot: [from, ...allowed].map(room).join('|') },
});

export default {
  forbidden: [
    only('contracts', []),
    { ...only('domain', ['contracts']), from: { path: room('domain'), pathNot: '\\.test\\.ts$' } },
    { ...only('projections', ['contracts']), from: { path: room('projections'), pathNot: '\\.test\\.ts$' } },
    { ...only('infra', ['contracts']), from: { path: room('infra'), pathNot: '\\.test\\.ts$' } },
    { ...only('services', ['contracts', 'domain', 'projections', 'infra']), from: { path: room('services'), pathNot: '\\.test\\.ts$' } },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'pure-domain', comment: 'domain does no I/O', severity: 'error', from: { path: room('domain'), pathNot: '(testing/|\\.test\\.ts$)' }, to: { dependencyTypes: ['core'], pathNot: '^(node:)?url$' } },
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

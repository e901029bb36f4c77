import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadProxyHeader, readProxyHeader } from './proxy-header.ts';

const v1 = (line: string): Buffer => Buffer.from(`${line}\r\n`, 'latin1');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
/** As the specification draws it: version and command, family, length, addresses, ports, extensions. */
const v2 = (hex: string): Buffer => Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex');

describe('a PROXY header', () => {
  it.each([
    [v1('PROXY TCP4 192.0.2.7 198.51.100.1 56324 25'), { address: '192.0.2.7', port: 56_324 }],
    [v1('PROXY TCP6 2001:db8::7 2001:db8::1 56324 25'), { address: '2001:db8::7', port: 56_324 }],
    [v1('PROXY UNKNOWN'), null],
    [v1('PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535'), null],
    [v2('21 11 000c c0000207 c6336401 dc04 0019'), { address: '192.0.2.7', port: 56_324 }],
    [
      v2('21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001 dc04 0019'),
      { address: '2001:db8::7', port: 56_324 },
    ],
    [v2('21 11 0010 c0000207 c6336401 dc04 0019 04000100'), { address: '192.0.2.7', port: 56_324 }], // with an extension
    [v2('20 11 000c c0000207 c6336401 dc04 0019'), null], // LOCAL
    [v2('20 00 0000'), null],
    [v2('21 31 0000'), null], // AF_UNIX
  ])('%s', (header, source) => {
    const wire = Buffer.concat([header, Buffer.from('EHLO x\r\n')]);
    expect(readProxyHeader(wire)).toEqual({ source, length: header.length });
    for (let end = 0; end < header.length; end += 1) expect(readProxyHeader(wire.subarray(0, end))).toBeNull();
  });

  it.each([
    Buffer.from('EHLO'),
    Buffer.from('\r\nPROXY TCP4'),
    v1('PROXY  TCP4 192.0.2.7 198.51.100.1 1 2'),
    v1('PROXY TCP4 2001:db8::7 2001:db8::1 1 2'),
    v1('PROXY TCP6 192.0.2.7 198.51.100.1 1 2'),
    v1('PROXY TCP4 192.0.2.7 198.51.100.1 65536 2'),
    v1('PROXY TCP4 192.0.2.7\nRCPT 198.51.100.1 1 2'),
    v1('PROXY UDP4 192.0.2.7 198.51.100.1 1 2'),
    Buffer.from(`PROXY ${'x'.repeat(200)}`),
    v2('11 11 000c c0000207 c6336401 dc04 0019'),
    v2('22 11 000c c0000207 c6336401 dc04 0019'),
    v2('21 11 0004 c0000207'),
    v2('21 11 ffff'),
  ])('is none: %s', (bytes) => {
    expect(() => readProxyHeader(bytes)).toThrow(BadProxyHeader);
  });

  it('is read, awaited or refused, whatever comes', () => {
    const start = fc.constantFrom(Buffer.alloc(0), v2(''), v2('21'), v2('2111'), Buffer.from('PROXY '), Buffer.from('PROXY TCP4 '));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (begin, rest) => {
        try {
          const read = readProxyHeader(Buffer.concat([begin, rest]));
          expect(read === null || read.length <= begin.length + rest.length).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BadProxyHeader);
        }
      }),
    );
  });
});

import { expect, it } from 'vitest';
import { addressIn, type Counted, destinationsIn, fileNameOf, reportOf } from './report.ts';
import { failureIn } from './result.ts';

it.each([
  ['v=TLSRPTv1; rua=mailto:reports@example.com', ['mailto:reports@example.com']], // RFC 8460 §3.1.1
  ['v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt', ['https://reporting.example.com/v1/tlsrpt']],
  ['v=TLSRPTv1;rua=mailto:a@example.com , https://example.com/x%2Cy;', ['mailto:a@example.com', 'https://example.com/x,y']],
  ['v=TLSRPTv1; rua=ftp://example.com, http://example.com', []],
  ['v=TLSRPTv1', null],
  ['v=TLSRPTv2; rua=mailto:a@example.com', null],
  ['v=spf1 -all', null],
])('%s', (record, expected) => {
  expect(destinationsIn(record)).toEqual(expected);
});

it('reads the address of a mailto', () => {
  expect(addressIn('mailto:tls%2Breports@example.com?subject=x')).toBe('tls+reports@example.com');
  expect(addressIn('mailto:%e0@example.com')).toBeNull();
  expect(addressIn('https://example.com')).toBeNull();
});

it('sums up a day by policy, successes and what failed', () => {
  const sts = { type: 'sts', strings: ['version: STSv1', 'mode: enforce'], mx: ['*.example.org'] } as const;
  const session: Counted = { policy: sts, host: 'mx.example.org', address: '192.0.2.1', failure: null, words: '', count: 5 };
  const counted: readonly Counted[] = [
    session,
    { ...session, failure: 'certificate-expired', words: 'certificate has expired', count: 2 },
    { ...session, failure: 'starttls-not-supported', count: 3 },
    { ...session, policy: null, count: 7 },
  ];
  const about = {
    ...{ domain: 'example.org', day: '2026-11-29', reportId: 'r1@tidings.test', organization: 'Tidings', contact: 'tls@tidings.test' },
  };
  expect(reportOf(about, counted)).toEqual({
    'organization-name': 'Tidings',
    'date-range': { 'start-datetime': '2026-11-29T00:00:00Z', 'end-datetime': '2026-11-29T23:59:59Z' },
    'contact-info': 'tls@tidings.test',
    'report-id': 'r1@tidings.test',
    policies: [
      {
        policy: {
          ...{ 'policy-type': 'sts', 'policy-string': ['version: STSv1', 'mode: enforce'], 'policy-domain': 'example.org' },
          'mx-host': ['*.example.org'],
        },
        summary: { 'total-successful-session-count': 5, 'total-failure-session-count': 5 },
        'failure-details': [
          {
            ...{ 'result-type': 'starttls-not-supported', 'receiving-mx-hostname': 'mx.example.org', 'receiving-ip': '192.0.2.1' },
            'failed-session-count': 3,
          },
          {
            ...{ 'result-type': 'certificate-expired', 'receiving-mx-hostname': 'mx.example.org', 'receiving-ip': '192.0.2.1' },
            ...{ 'failed-session-count': 2, 'failure-reason-code': 'certificate has expired' },
          },
        ],
      },
      {
        policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'example.org' },
        summary: { 'total-successful-session-count': 7, 'total-failure-session-count': 0 },
      },
    ],
  });
  expect(fileNameOf('mail.tidings.test', about)).toBe('mail.tidings.test!example.org!1795910400!1795996799.json.gz');
});

it.each([
  ['Error upgrading connection with STARTTLS: 502 5.5.1 no', 'starttls-not-supported'],
  ["Error initiating TLS - Hostname/IP does not match certificate's altnames: Host: mx.", 'certificate-host-mismatch'],
  ['Error initiating TLS - certificate has expired', 'certificate-expired'],
  ['Error initiating TLS - self-signed certificate in certificate chain', 'certificate-not-trusted'],
  ['Error initiating TLS - unable to verify the first certificate', 'certificate-not-trusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate-not-trusted'],
  ['CERT_HAS_EXPIRED', 'certificate-expired'],
  ['Error initiating TLS - ssl3_get_record:wrong version number', 'validation-failure'],
])('%s', (words, type) => {
  expect(failureIn(words).type).toBe(type);
});

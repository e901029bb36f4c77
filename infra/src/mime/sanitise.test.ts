import { describe, expect, it } from 'vitest';
import type { EmailId } from '@tidings/contracts/ids';
import { resolvePartLinks } from './part-links.ts';
import { withRemoteImages } from './remote-images.ts';
import { sanitise, sanitiseOutgoing, textOfHtml } from './sanitise.ts';

const clean = (html: string): string => sanitise(html, new Map([['dot@x', '2.1']]));

/** Of this thread: how busy the machine is otherwise tells nothing of what is tried here. */
const cpuMsSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
};

describe('HTML', () => {
  it.each([
    ['<p>Hello <b>you</b></p>', '<p>Hello <b>you</b></p>'],
    ['<script>alert(1)</script>safe', 'safe'],
    ['<style>p{position:fixed}</style>safe', 'safe'],
    ['<p onclick="alert(1)" id="app" class="nav" name="x">safe</p>', '<p>safe</p>'],
    ['<a href="javascript:alert(1)">x</a>', '<a target="_blank" rel="noopener noreferrer nofollow">x</a>'],
    ['<a href=" java&#10;script:alert(1)">x</a>', '<a target="_blank" rel="noopener noreferrer nofollow">x</a>'],
    ['<a href="//evil.example">x</a>', '<a target="_blank" rel="noopener noreferrer nofollow">x</a>'],
    [
      '<a href="https://ok.example/?a&amp;b">x</a>',
      '<a href="https://ok.example/?a&amp;b" target="_blank" rel="noopener noreferrer nofollow">x</a>',
    ],
    ['<img src="cid:dot@x" alt="d">', '<img alt="d" src="tidings-part:2.1" />'],
    ['<img src="cid:dot%40x">', '<img src="tidings-part:2.1" />'],
    ['<img src="cid:unknown">', '<img />'],
    ['<img src="tidings-part:1">', '<img />'],
    ['<img src="https://t.example/p.gif">', '<img data-remote-src="https://t.example/p.gif" />'],
    ['<img src="//t.example/p.gif">', '<img data-remote-src="//t.example/p.gif" />'],
    ['<img src="x" onerror="alert(1)">', '<img />'],
    ['<img src="data:image/png;base64,AA==">', '<img src="data:image/png;base64,AA==" />'],
    ['<img src="data:image/svg+xml;base64,AA==">', '<img />'],
    ['<p style="color:red;position:fixed;background:url(https://t.example)">x</p>', '<p style="color:red">x</p>'],
    ['<p style="margin:-99px;padding:4px">x</p>', '<p style="padding:4px">x</p>'],
    ['<p style="width:expression(alert(1))">x</p>', '<p>x</p>'],
    ['<svg><script>alert(1)</script></svg>safe', 'safe'],
    ['<iframe src="https://evil.example"></iframe><object data="x"></object>safe', 'safe'],
    ['<form action="https://evil.example"><input name="p"></form>safe', 'safe'],
    ['<base href="https://evil.example"><meta http-equiv=refresh content="0;url=//x"><link rel=stylesheet href=//x>safe', 'safe'],
    ['<<img src=x onerror=alert(1)//>', '&lt;<img />'],
    ['<p>unclosed <b>tags', '<p>unclosed <b>tags</b></p>'],
  ])('makes %s safe', (given, expected) => {
    expect(clean(given)).toBe(expected);
  });

  it('stands deep nesting and long runs without taking long', () => {
    const started = process.threadCpuUsage();
    expect(clean('<div>'.repeat(100_000) + 'x').trim()).toBe('x');
    expect(clean('<p>a<br></p>'.repeat(20_000))).toHaveLength('<p>a<br /></p>'.length * 20_000); // long is not deep
    clean('<'.repeat(300_000));
    clean(`<a href="${'x'.repeat(500_000)}">`);
    expect(cpuMsSince(started)).toBeLessThan(5_000);
  });

  it('does so too in what we send, and in what is only read', () => {
    const started = process.threadCpuUsage();
    expect(sanitiseOutgoing('<div>'.repeat(100_000) + 'x').trim()).toBe('x');
    expect(textOfHtml('<div>'.repeat(100_000) + 'x').trim()).toBe('x');
    expect(cpuMsSince(started)).toBeLessThan(5_000);
  });

  it('points at parts of the email it is read for', () => {
    const id = '00000000-0000-4000-8000-000000000001' as EmailId;
    expect(resolvePartLinks(clean('<img src="cid:dot@x">'), id)).toBe(`<img src="/api/emails/${id}/parts/2.1" />`);
    expect(resolvePartLinks('no parts', id)).toBe('no parts');
  });

  it('reads as text', () => {
    expect(textOfHtml('<p>a &amp; b</p><p>c<br>d</p><style>x{}</style>').replace(/\s+/g, ' ').trim()).toBe('a & b c d');
  });
});

describe('pictures from elsewhere', () => {
  const stored = clean(
    '<p>data-remote-src="x"</p><img alt="a" src="https://t.example/p.gif?a&amp;b=1" width="1"><img src="//t.example/q"><img src="cid:dot@x">',
  );

  it('are held back, and counted', () => {
    expect(withRemoteImages(stored, null)).toEqual({ value: stored, remoteImages: 2 });
    expect(withRemoteImages('<p>none</p>', null)).toEqual({ value: '<p>none</p>', remoteImages: 0 });
  });

  it('are fetched where a link says', () => {
    const { value, remoteImages } = withRemoteImages(stored, (url) => `/i?${new URLSearchParams({ m: '1', url }).toString()}`);
    expect(remoteImages).toBe(0);
    expect(value).toContain('src="/i?m=1&amp;url=https%3A%2F%2Ft.example%2Fp.gif%3Fa%26b%3D1"');
    expect(value).toContain('src="/i?m=1&amp;url=https%3A%2F%2Ft.example%2Fq"');
    expect(value).toContain('<p>data-remote-src="x"</p>');
    expect(value.match(/<img/g)).toHaveLength(3);
  });
});

import { describe, expect, it } from 'vitest';
import { signedHtml, signedText } from './place.ts';

describe('a signature in a text', () => {
  it('ends it, behind its mark', () => {
    expect(signedText('Hello\n', 'Ada')).toBe('Hello\n\n-- \nAda');
    expect(signedText('', 'Ada')).toBe('\n\n-- \nAda');
  });

  it('stands above what is quoted, without the mark', () => {
    expect(signedText('Yes.\n\nOn 2026-11-02, Bob wrote:\n> Can you?\n>\n> Bob\n', 'Ada')).toBe(
      'Yes.\n\nAda\n\nOn 2026-11-02, Bob wrote:\n> Can you?\n>\n> Bob',
    );
    expect(signedText('Yes.\n> Can you?', 'Ada')).toBe('Yes.\n\nAda\n\n> Can you?');
  });

  it('stands above what is passed on', () => {
    expect(signedText('See below.\n\n---------- Forwarded message ----------\nFrom: Bob\n\nHello', 'Ada')).toBe(
      'See below.\n\nAda\n\n---------- Forwarded message ----------\nFrom: Bob\n\nHello',
    );
  });

  it('ends an answer between the lines', () => {
    expect(signedText('On Monday, Bob wrote:\n> Can you?\nYes.', 'Ada')).toBe('On Monday, Bob wrote:\n> Can you?\nYes.\n\n-- \nAda');
  });
});

describe('a signature in HTML', () => {
  const quote = '<p>On Monday, Bob wrote:</p><blockquote type="cite"><p>Can you?</p><blockquote>Older</blockquote></blockquote>';
  it('ends it, or stands above what is quoted or passed on', () => {
    expect(signedHtml('<p>Hello</p>', 'Ada')).toBe('<p>Hello</p><br><div>-- <br>Ada</div>');
    expect(signedHtml(`<p>Yes.</p>${quote}`, 'Ada')).toBe(`<p>Yes.</p><div>Ada</div><br>${quote}`);
    expect(signedHtml(`<p>Yes.</p>${quote}<p><br></p>`, 'Ada')).toBe(`<p>Yes.</p><div>Ada</div><br>${quote}<p><br></p>`);
    const forwarded = '<p>---------- Forwarded message ----------<br><b>From:</b> Bob</p><p>Hello</p>';
    expect(signedHtml(`<p>See.</p>${forwarded}`, 'Ada')).toBe(`<p>See.</p><div>Ada</div><br>${forwarded}`);
  });

  it('ends an answer between the lines', () => {
    expect(signedHtml(`${quote}<p>Yes.</p>`, 'Ada')).toBe(`${quote}<p>Yes.</p><br><div>-- <br>Ada</div>`);
    expect(signedHtml('<p>a</p></blockquote>', 'Ada')).toContain('Ada');
  });
});

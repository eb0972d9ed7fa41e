using System.Globalization;
using System.Text;

namespace Troupe.DevCluster.Machinery.Cel;

internal enum CelToken
{
    Ident,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Symbol,
    End,
}

internal readonly record struct CelLexeme(CelToken Kind, int Position, string Text, object? Value);

/// <summary>Source text to tokens.</summary>
internal sealed class CelLexer(string source)
{
    private static readonly string[] Symbols = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}"];
    private int _at;

    public List<CelLexeme> All()
    {
        var tokens = new List<CelLexeme>();
        while (true)
        {
            Skip();
            if (_at >= source.Length)
            {
                tokens.Add(new CelLexeme(CelToken.End, _at, "<EOF>", null));
                return tokens;
            }
            tokens.Add(Next());
        }
    }

    private void Skip()
    {
        while (_at < source.Length)
        {
            if (char.IsWhiteSpace(source[_at]))
                _at++;
            else if (source[_at] == '/' && _at + 1 < source.Length && source[_at + 1] == '/')
            {
                while (_at < source.Length && source[_at] != '\n')
                    _at++;
            }
            else
                return;
        }
    }

    private CelLexeme Next()
    {
        var start = _at;
        var c = source[_at];
        if (Quoted(start) is { } text)
            return text;
        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (_at < source.Length && (char.IsAsciiLetterOrDigit(source[_at]) || source[_at] == '_'))
                _at++;
            return new CelLexeme(CelToken.Ident, start, source[start.._at], null);
        }
        if (char.IsAsciiDigit(c) || (c == '.' && _at + 1 < source.Length && char.IsAsciiDigit(source[_at + 1])))
            return Number(start);
        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(source, _at, symbol, 0, symbol.Length) != 0)
                continue;
            _at += symbol.Length;
            return new CelLexeme(CelToken.Symbol, start, symbol, null);
        }
        throw new CelSyntaxException($"Syntax error: token recognition error at: '{c}'", source, start);
    }

    private CelLexeme Number(int start)
    {
        if (source[_at] == '0' && _at + 1 < source.Length && source[_at + 1] is 'x' or 'X')
        {
            _at += 2;
            while (_at < source.Length && char.IsAsciiHexDigit(source[_at]))
                _at++;
            return Whole(start, ulong.TryParse(source.AsSpan(start + 2, _at - start - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) ? hex : null);
        }
        var real = false;
        while (_at < source.Length)
        {
            var c = source[_at];
            if (char.IsAsciiDigit(c))
                _at++;
            else if (c == '.' && !real && _at + 1 < source.Length && char.IsAsciiDigit(source[_at + 1]))
            {
                real = true;
                _at++;
            }
            else if (c is 'e' or 'E' && _at + 1 < source.Length && (char.IsAsciiDigit(source[_at + 1]) || (source[_at + 1] is '+' or '-' && _at + 2 < source.Length && char.IsAsciiDigit(source[_at + 2]))))
            {
                real = true;
                _at += 2;
            }
            else
                break;
        }
        var text = source.AsSpan(start, _at - start);
        if (real)
            return new CelLexeme(CelToken.Double, start, text.ToString(), double.Parse(text, CultureInfo.InvariantCulture));
        return Whole(start, ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) ? whole : null);
    }

    /// <summary>An int keeps its magnitude: its sign is an operator before it, and -9223372036854775808 must be writable.</summary>
    private CelLexeme Whole(int start, ulong? value)
    {
        var unsigned = _at < source.Length && source[_at] is 'u' or 'U';
        if (unsigned)
            _at++;
        if (value is not { } number || (!unsigned && number > 1UL << 63))
            throw new CelSyntaxException("invalid int literal", source, start);
        return new CelLexeme(unsigned ? CelToken.Uint : CelToken.Int, start, source[start.._at], number);
    }

    private CelLexeme? Quoted(int start)
    {
        var at = _at;
        var (raw, bytes) = (false, false);
        while (at < source.Length && source[at] is 'r' or 'R' or 'b' or 'B' && at - _at < 2)
        {
            raw |= source[at] is 'r' or 'R';
            bytes |= source[at] is 'b' or 'B';
            at++;
        }
        if (at >= source.Length || source[at] is not ('"' or '\''))
            return null;
        var quote = source[at];
        var triple = at + 2 < source.Length && source[at + 1] == quote && source[at + 2] == quote;
        at += triple ? 3 : 1;
        var text = new StringBuilder();
        while (true)
        {
            if (at >= source.Length || (!triple && source[at] == '\n'))
                throw new CelSyntaxException("Syntax error: unterminated string", source, start);
            if (source[at] == quote && (!triple || (at + 2 < source.Length && source[at + 1] == quote && source[at + 2] == quote)))
            {
                at += triple ? 3 : 1;
                break;
            }
            if (source[at] == '\\' && !raw)
                at = Escape(at, text);
            else
                text.Append(source[at++]);
        }
        _at = at;
        return bytes
            ? new CelLexeme(CelToken.Bytes, start, source[start.._at], Encoding.UTF8.GetBytes(text.ToString()))
            : new CelLexeme(CelToken.String, start, source[start.._at], text.ToString());
    }

    private int Escape(int at, StringBuilder text)
    {
        if (at + 1 >= source.Length)
            throw new CelSyntaxException("unable to unescape string", source, at);
        var c = source[at + 1];
        const string plain = "abfnrtv\\'\"`?";
        var index = plain.IndexOf(c, StringComparison.Ordinal);
        if (index >= 0)
        {
            text.Append("\a\b\f\n\r\t\v\\'\"`?"[index]);
            return at + 2;
        }
        var (length, radix) = c switch { 'x' or 'X' => (2, 16), 'u' => (4, 16), 'U' => (8, 16), >= '0' and <= '3' => (3, 8), _ => (0, 0) };
        var from = radix == 16 ? at + 2 : at + 1;
        try
        {
            if (length == 0 || from + length > source.Length)
                throw new FormatException();
            text.Append(char.ConvertFromUtf32(Convert.ToInt32(source.Substring(from, length), radix)));
            return from + length;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            throw new CelSyntaxException("unable to unescape string", source, at);
        }
    }
}

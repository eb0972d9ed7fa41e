using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Troupe.DevCluster.Json;

/// <summary>YAML request bodies (also those of server-side apply) as JSON nodes, with YAML 1.1's scalars as Kubernetes reads them.</summary>
internal static class Yaml
{
    /// <exception cref="JsonException">Malformed, or uses anchors: those are how small bodies become huge trees.</exception>
    public static JsonNode? Parse(string text, List<string>? duplicates = null)
    {
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
                return null;
            parser.Consume<DocumentStart>();
            var node = Node(parser, duplicates, "", 0);
            parser.Consume<DocumentEnd>();
            return node;
        }
        catch (YamlException e)
        {
            throw new JsonException("error converting YAML to JSON: yaml: line " + e.Start.Line + ": " + e.Message);
        }
    }

    private static JsonNode? Node(Parser parser, List<string>? duplicates, string path, int depth)
    {
        if (depth > JsonReader.MaxDepth)
            throw new JsonException("exceeded max depth");
        if (parser.TryConsume<Scalar>(out var scalar))
            return Value(scalar);
        if (parser.TryConsume<MappingStart>(out _))
        {
            var obj = new JsonObject();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var key = parser.Consume<Scalar>().Value;
                var at = path.Length == 0 ? key : $"{path}.{key}";
                if (obj.ContainsKey(key))
                    duplicates?.Add(at);
                obj[key] = Node(parser, duplicates, at, depth + 1);
            }
            return obj;
        }
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var array = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
                array.Add(Node(parser, duplicates, $"{path}[{array.Count}]", depth + 1));
            return array;
        }
        throw new JsonException("YAML anchors and aliases are not supported");
    }

    private static JsonNode? Value(Scalar scalar)
    {
        var text = scalar.Value;
        if (scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any))
            return JsonValue.Create(text);
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "y" or "Y" or "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON":
                return JsonValue.Create(true);
            case "n" or "N" or "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF":
                return JsonValue.Create(false);
        }
        if (!char.IsAsciiDigit(text[0]) && text[0] is not ('-' or '+' or '.'))
            return JsonValue.Create(text);
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            // YAML 1.1 reads 0644 as octal, which is what file modes in manifests rely on.
            if (text.Length > 1 && text[0] == '0' && text.All(c => c is >= '0' and <= '7'))
                return JsonValue.Create(Convert.ToInt64(text, 8));
            return JsonValue.Create(whole);
        }
        if (text.StartsWith("0x", StringComparison.Ordinal)
            && long.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var hex))
            return JsonValue.Create(hex);
        if (text.StartsWith("0o", StringComparison.Ordinal) && text.Length > 2 && text.AsSpan(2).IndexOfAnyExceptInRange('0', '7') < 0 && text.Length < 22)
            return JsonValue.Create(Convert.ToInt64(text[2..], 8));
        if (double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var real)
            && double.IsFinite(real))
            return JsonReader.Number(real);
        return JsonValue.Create(text);
    }

    public static string Write(JsonNode? node)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        var emitter = new Emitter(text);
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, true));
        Emit(emitter, node);
        emitter.Emit(new DocumentEnd(true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private static void Emit(Emitter emitter, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject obj:
                emitter.Emit(new MappingStart());
                foreach (var (name, value) in obj)
                {
                    emitter.Emit(new Scalar(name));
                    Emit(emitter, value);
                }
                emitter.Emit(new MappingEnd());
                break;
            case JsonArray array:
                emitter.Emit(new SequenceStart(null, null, true, SequenceStyle.Block));
                foreach (var item in array)
                    Emit(emitter, item);
                emitter.Emit(new SequenceEnd());
                break;
            case JsonValue value when value.TryGetValue<string>(out var s):
                var style = Value(new Scalar(s)).AsString() == s ? ScalarStyle.Any : ScalarStyle.DoubleQuoted;
                emitter.Emit(new Scalar(null, null, s, style, true, true));
                break;
            default:
                emitter.Emit(new Scalar(node.Display()));
                break;
        }
    }
}

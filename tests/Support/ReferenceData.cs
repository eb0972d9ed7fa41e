using System.Globalization;
using System.Text.Json.Nodes;
using Xunit;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Troupe.Tests.Support;

/// <summary>KubeVirt's own data beside the checkout (`../shared/kubevirt`), which tests compare with. Where they are absent, such a test is skipped.</summary>
internal static class ReferenceData
{
    public static string Root { get; } = FindRoot();

    /// <summary>The text of a file of `../shared/kubevirt`.</summary>
    public static string Text(string path)
    {
        var file = Path.Combine(Root, "..", "shared", "kubevirt", path);
        Assert.SkipUnless(File.Exists(file), $"{path} of ../shared/kubevirt is not here");
        return File.ReadAllText(file);
    }

    public static JsonObject Yaml(string path) => Parse(Text(path));

    public static IReadOnlyList<JsonObject> YamlDocuments(string path) =>
        [.. Text(path).Split("\n---\n").Select(d => d.StartsWith("---\n", StringComparison.Ordinal) ? d[4..] : d).Where(d => d.Trim().Length > 0).Select(Parse)];

    private static JsonObject Parse(string yaml)
    {
        var parser = new Parser(new StringReader(yaml));
        parser.Consume<StreamStart>();
        parser.Consume<DocumentStart>();
        return Node(parser)!.AsObject();
    }

    private static JsonNode? Node(Parser parser)
    {
        if (parser.TryConsume<Scalar>(out var scalar))
            return Value(scalar);
        if (parser.TryConsume<SequenceStart>(out _))
        {
            var array = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
                array.Add(Node(parser));
            return array;
        }

        parser.Consume<MappingStart>();
        var obj = new JsonObject();
        while (!parser.TryConsume<MappingEnd>(out _))
            obj[parser.Consume<Scalar>().Value] = Node(parser);
        return obj;
    }

    private static JsonNode? Value(Scalar scalar) => scalar switch
    {
        { Style: not ScalarStyle.Plain } => JsonValue.Create(scalar.Value),
        { Value: "" or "~" or "null" } => null,
        { Value: "true" or "false" } => JsonValue.Create(scalar.Value == "true"),
        _ when long.TryParse(scalar.Value, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ when ulong.TryParse(scalar.Value, CultureInfo.InvariantCulture, out var large) => JsonValue.Create(large),
        _ => JsonValue.Create(scalar.Value),
    };

    private static string FindRoot()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Troupe.slnx")))
            root = Path.GetDirectoryName(root)!;
        return root;
    }
}

namespace Troupe.DevCluster.Machinery;

/// <summary>
/// The fields of the built-in kinds' types, from types.tsv: type, then "name type" per field, where a type is a scalar, another type,
/// or one of them behind [] (list) or {} (map). The file is written by a test from the client library's model types, so that neither
/// they nor reflection is needed here.
/// </summary>
internal static class BuiltinTypes
{
    private static readonly Lazy<Dictionary<string, string>> Lines = new(() =>
    {
        var lines = new Dictionary<string, string>();
        using var reader = new StreamReader(typeof(BuiltinTypes).Assembly.GetManifestResourceStream("types.tsv")!);
        while (reader.ReadLine() is { } line)
            lines[line[..line.IndexOf('\t', StringComparison.Ordinal)]] = line;
        return lines;
    });

    public static IEnumerable<(string Name, string Type)> Fields(string type) =>
        from field in Lines.Value[type].Split('\t').Skip(1) let space = field.IndexOf(' ', StringComparison.Ordinal) select (field[..space], field[(space + 1)..]);

    /// <summary>The name in the OpenAPI documents.</summary>
    public static string DefinitionName(string type) => type.Split('.')[0] switch
    {
        "meta" => "io.k8s.apimachinery.pkg.apis." + type,
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis." + type,
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis." + type,
        _ => "io.k8s.api." + type,
    };
}

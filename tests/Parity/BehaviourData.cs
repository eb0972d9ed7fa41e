using System.IO.Compression;
using System.Text.Json;

namespace Troupe.Parity;

/// <summary>How KubeVirt itself answered: one JSON object a line, compressed.</summary>
public static class BehaviourData
{
    private const string Variable = "TROUPE_BEHAVIOUR";

    /// <summary>The folder that `TROUPE_BEHAVIOUR` names, else the one beside the repository; null when neither is there.</summary>
    public static string? Folder()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set)
            return set;
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", "kubevirt", "behaviour");
            if (Directory.Exists(candidate))
                return candidate;
        }

        return null;
    }

    public static IEnumerable<JsonElement> Read(string folder, string name)
    {
        using var file = new StreamReader(new GZipStream(File.OpenRead(Path.Combine(folder, $"{name}.ndjson.gz")), CompressionMode.Decompress));
        while (file.ReadLine() is { } line)
        {
            using var document = JsonDocument.Parse(line);
            yield return document.RootElement.Clone();
        }
    }
}

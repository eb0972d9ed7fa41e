using System.Globalization;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Http;

/// <summary>PodExecOptions and the like: the query of a request that takes over its connection, as the object that admission is shown.</summary>
internal static class ConnectOptions
{
    public static JsonObject Of(SubresourceDefinition subresource, IQueryCollection query)
    {
        var options = new JsonObject { ["kind"] = subresource.Kind, ["apiVersion"] = subresource.Group.Length == 0 ? subresource.Version : $"{subresource.Group}/{subresource.Version}" };
        foreach (var (name, values) in query)
        {
            options[name] = name switch
            {
                "stdin" or "stdout" or "stderr" or "tty" => values.ToString() is "" or "true" or "1",
                "command" => new JsonArray([.. values.Select(v => (JsonNode?)v)]),
                "ports" => new JsonArray([.. values.SelectMany(v => (v ?? "").Split(',')).Select(v => long.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0).Where(port => port > 0).Select(port => (JsonNode)port)]),
                _ => values.ToString(),
            };
        }
        return options;
    }
}

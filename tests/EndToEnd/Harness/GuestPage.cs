using System.Text.Json.Nodes;

namespace Troupe.EndToEnd.Harness;

/// <summary>What the demo guest tells of itself on its web page.</summary>
public static class GuestPage
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Of this very boot; a guest that was started anew has another.</summary>
    public static async Task<string> BootIdAsync(TroupeCluster cluster, string vmi)
    {
        var status = await Eventually.Get($"the web server of {vmi}", async () =>
        {
            try
            {
                var address = (string?)(await cluster.Get("vmi", vmi))?["status"]?["interfaces"]?[0]?["ipAddress"];
                return address is null ? null : JsonNode.Parse(await Http.GetStringAsync($"http://{address}/cgi-bin/status"));
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                return null;
            }
        }, s => s is not null);
        return (string)status!["bootId"]!;
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class WebhookTests
{
    private static readonly WebhookTable Table = new(new StoredInstancetypes());

    [Fact]
    public async Task The_answer_carries_a_patch_that_makes_the_stored_object()
    {
        var vmi = Objects.Vmi();
        var webhook = Table.All.Single(w => w.Path == "/virtualmachineinstances-mutate");

        var response = await Endpoints(new FakeObjects()).AnswerAsync(webhook,
            new AdmissionRequest { Uid = "u", Object = JsonSerializer.SerializeToElement(vmi), Namespace = "default" }, TestContext.Current.CancellationToken);

        Assert.Equal(("u", true, "JSONPatch"), (response.Uid, response.Allowed, response.PatchType));
        var patch = JsonNode.Parse(response.Patch!)!.AsArray();
        Assert.Contains(patch, o => (string?)o!["path"] == "/spec/architecture" && (string?)o["value"] == "amd64");
        Assert.DoesNotContain(patch, o => ((string?)o!["path"])!.StartsWith("/spec/volumes/0/name", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_look_up_that_fails_is_an_error_and_not_a_hang()
    {
        var webhook = Table.All.Single(w => w.Path == "/migration-validate-create");
        var migration = Objects.Parse("""{ "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration", "metadata": { "name": "m" }, "spec": { "vmiName": "vmi" } }""");

        var response = await Endpoints(new BrokenObjects()).AnswerAsync(webhook,
            new AdmissionRequest { Object = JsonSerializer.SerializeToElement(migration), Namespace = "default" }, TestContext.Current.CancellationToken);

        Assert.Equal((false, 500), (response.Allowed, response.Status!.Code));
    }

    [Fact]
    public void Every_webhook_is_registered_with_address_and_authority()
    {
        var configurations = WebhookConfigurations.Build(Table.All, new WebhookAddress(null, "kubevirt", "virt-api"), "PEM");

        var entries = configurations.Values.SelectMany(c => c["webhooks"]!.AsArray()).Select(w => w!.AsObject()).ToList();
        Assert.Equal(Table.All.Count, entries.Count);
        Assert.All(entries, e => Assert.Equal("Fail", (string?)e["failurePolicy"]));
        Assert.All(entries, e => Assert.Equal("virt-api", (string?)e["clientConfig"]!["service"]!["name"]));
        Assert.Equal(entries.Count, entries.Select(e => (string?)e["name"]).Distinct().Count());
    }

    [Fact]
    public void A_patch_names_only_what_differs()
    {
        var patch = JsonPatchDiff.Between(JsonNode.Parse("""{ "a": 1, "b": { "x~/y": 1 }, "c": [1, 2], "d": [1] }"""), JsonNode.Parse("""{ "b": { "x~/y": 2 }, "c": [1, 3], "d": [1, 2], "e": null }"""));

        Assert.Equal("""[{"op":"remove","path":"/a"},{"op":"replace","path":"/b/x~0~1y","value":2},{"op":"replace","path":"/c/1","value":3},{"op":"replace","path":"/d","value":[1,2]},{"op":"add","path":"/e","value":null}]""",
            patch.ToJsonString());
    }

    private static WebhookEndpoints Endpoints(IClusterObjects objects) =>
        new(Table, objects, () => ClusterConfig.Default, new HashSet<string>(), TimeProvider.System, NullLogger<WebhookEndpoints>.Instance);

    private sealed class BrokenObjects : IClusterObjects
    {
        public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject => throw new HttpRequestException("the API server is gone");

        public Task<IReadOnlyList<T>> ListAsync<T>(string? ns, string? labelSelector, CancellationToken ct) where T : KubeObject => throw new HttpRequestException("the API server is gone");

        public Task<JsonElement?> FindRawAsync(string path, CancellationToken ct) => throw new HttpRequestException("the API server is gone");

        public Task PatchAsync<T>(string? ns, string name, JsonArray patch, bool dryRun, CancellationToken ct) where T : KubeObject => throw new HttpRequestException("the API server is gone");
    }
}

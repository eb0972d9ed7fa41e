using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Crds;
using Troupe.Messages.Api;
using Xunit;

namespace Troupe.Kubernetes.Tests.Crds;

public sealed class ModelRoundTripTests
{
    public static TheoryData<string> Kinds => [.. KubeVirtCrds.Definitions.Select(d => d.Kind)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_object_with_every_field_set_comes_back_as_it_went(string kind)
    {
        var definition = KubeVirtCrds.Definitions.Single(d => d.Kind == kind);
        var schema = KubeVirtCrds.All[definition.FileName]["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!.AsObject();
        var sample = SchemaSample.Of(schema)!;
        var model = JsonSerializer.Deserialize(sample, ApiJson.Default.GetTypeInfo(definition.Model)!)!;
        var back = JsonSerializer.SerializeToNode(model, ApiJson.Default.GetTypeInfo(definition.Model)!);
        Assert.True(JsonNode.DeepEquals(sample, back), $"sent {sample}\ngot {back}");
        Assert.Null(UnknownField(model, kind));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_field_of_a_later_version_survives_a_read_and_a_write(string kind)
    {
        var definition = KubeVirtCrds.Definitions.Single(d => d.Kind == kind);
        var sent = new JsonObject { ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = "a" }, ["spec"] = new JsonObject { ["fromTheFuture"] = new JsonArray(1, "x") } };
        var model = JsonSerializer.Deserialize(sent, ApiJson.Default.GetTypeInfo(definition.Model)!)!;
        Assert.True(JsonNode.DeepEquals(sent, JsonSerializer.SerializeToNode(model, ApiJson.Default.GetTypeInfo(definition.Model)!)));
    }

    /// <summary>A field that only survived because it was not understood is one that the model lacks.</summary>
    private static string? UnknownField(object? value, string path)
    {
        switch (value)
        {
            case Messages.Api.Meta.ObjectMeta or null:
                return null;
            case Messages.Api.Meta.ApiObject { UnknownFields.Count: > 0 } part:
                return $"{path}.{part.UnknownFields.Keys.First()}";
            case Messages.Api.Meta.ApiObject part:
                return part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => UnknownField(p.GetValue(part), $"{path}.{p.Name}")).FirstOrDefault(f => f is not null);
            case System.Collections.IEnumerable items when value is not string:
                return items.Cast<object?>().Select(i => UnknownField(i, path + "[]")).FirstOrDefault(f => f is not null);
            default:
                return null;
        }
    }
}

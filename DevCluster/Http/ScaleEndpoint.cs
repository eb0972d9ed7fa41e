using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Http.Protobuf;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;

namespace Troupe.DevCluster.Http;

/// <summary>The scale subresource: a view of an object that is read and written as a Scale.</summary>
internal sealed class ScaleEndpoint(ResourceService resources, ProtobufBodies protobuf)
{
    private const int Attempts = 64;

    public async Task ServeAsync(HttpContext context, RequestContext write, ResourceDefinition definition, string ns, string name, string verb, Negotiated form, CancellationToken ct)
    {
        var scale = Current();
        switch (verb)
        {
            case "get":
                break;
            case "update":
                scale = await WriteAsync(PatchKind.MergePatch, await Bodies.RequiredAsync(context.Request, protobuf, write.Duplicates, ct));
                break;
            case "patch":
                var (kind, patch) = await ScalePatchAsync(context, write, ct);
                for (var attempt = 0; ; attempt++)
                {
                    var wanted = Patched(kind, scale, patch);
                    try
                    {
                        scale = await WriteAsync(kind == PatchKind.Apply ? kind : PatchKind.MergePatch, wanted);
                        break;
                    }
                    catch (ApiException e) when (e.Code == 409 && kind != PatchKind.Apply && attempt < Attempts
                        && wanted.Str("metadata", "resourceVersion") == scale.Str("metadata", "resourceVersion"))
                    {
                        // The version was ours, not the client's: patch what is there now.
                        scale = Current();
                    }
                }
                break;
            default:
                throw ApiException.MethodNotAllowed(verb);
        }
        await Responses.JsonAsync(context, 200, scale, form.Yaml);
        return;

        JsonObject Current() => Scales.Of(definition, StoredForms.Read(definition, resources.Find(definition, ns, name)));

        async Task<JsonObject> WriteAsync(PatchKind kind, JsonObject wanted)
        {
            var written = await resources.PatchAsync(write, definition, ns, name, "scale", kind, Scales.AsPatch(definition, wanted, kind), ct);
            return Scales.Of(definition, written.Stored is { } stored ? StoredForms.Read(definition, stored) : written.Unsaved!);
        }
    }

    private static async Task<(PatchKind Kind, JsonNode Patch)> ScalePatchAsync(HttpContext context, RequestContext write, CancellationToken ct)
    {
        var (kind, yaml) = Bodies.Patch(Bodies.MediaType(context.Request));
        return (kind, Bodies.Parse(await Bodies.ReadAsync(context.Request, ct), yaml, write.Duplicates) ?? throw ApiException.BadRequest("the patch is empty"));
    }

    /// <summary>An apply stays one, so that the fields become the applier's; any other patch gives the scale to be set.</summary>
    private static JsonObject Patched(PatchKind kind, JsonObject scale, JsonNode patch) => kind switch
    {
        PatchKind.Apply => patch as JsonObject ?? throw ApiException.BadRequest("the apply configuration must be an object"),
        PatchKind.JsonPatch => Scales.Checked(Machinery.JsonPatch.Apply(scale, patch)),
        _ => Scales.Checked(Machinery.MergePatch.Apply(scale, patch)),
    };
}

using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Admission;

/// <summary>Requests and users as admission and reviews show them.</summary>
internal static class AdmissionRequests
{
    public static JsonObject ToJson(this UserInfo user)
    {
        var json = new JsonObject { ["username"] = user.Name };
        if (user.Uid.Length > 0)
            json["uid"] = user.Uid;
        json["groups"] = new JsonArray([.. user.Groups.Select(g => (JsonNode)g)]);
        if (user.Extra.Count > 0)
            json["extra"] = new JsonObject(user.Extra.Select(e => KeyValuePair.Create(e.Key, (JsonNode?)new JsonArray([.. e.Value.Select(v => (JsonNode)v)]))));
        return json;
    }

    /// <summary>CreateOptions, UpdateOptions (of a patch, too) or DeleteOptions of the request.</summary>
    public static JsonObject Options(this AdmissionRequest request)
    {
        var context = request.Context;
        var kind = request.Operation switch
        {
            Operation.Create => "CreateOptions",
            Operation.Delete => "DeleteOptions",
            _ => "UpdateOptions",
        };
        var options = new JsonObject { ["kind"] = kind, ["apiVersion"] = "meta.k8s.io/v1" };
        if (context.DryRun)
            options["dryRun"] = new JsonArray("All");
        if (request.Operation is Operation.Delete)
            return options;
        options["fieldManager"] = context.FieldManager;
        options["fieldValidation"] = context.FieldValidation;
        return options;
    }

    /// <summary>Puts another step's result into the object that goes on through the chain.</summary>
    public static void Become(this JsonObject target, JsonObject changed)
    {
        target.Clear();
        foreach (var (name, value) in changed)
            target[name] = value?.DeepClone();
    }
}

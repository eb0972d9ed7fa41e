using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Resources.Crds;
using Troupe.DevCluster.Security;
using Troupe.DevCluster.Tables;
using Xunit;

namespace Troupe.DevCluster.Tests.Api;

/// <summary>Structural schemas: pruning, defaulting, validation; and what is known of the built-in kinds.</summary>
public sealed class SchemaTests
{
    private static readonly Schema Sample = SchemaReader.Root(Parse("""
        {"type":"object","properties":{"spec":{"type":"object","required":["name"],"properties":{
          "name":{"type":"string","pattern":"^[a-z]+$","maxLength":5},
          "size":{"type":"integer","minimum":1,"default":3},
          "port":{"x-kubernetes-int-or-string":true},
          "mode":{"type":"string","enum":["a","b"]},
          "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"known":{"type":"object","properties":{"x":{"type":"string"}}}}},
          "items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["id"],"items":{"type":"object","properties":{"id":{"type":"string"},"on":{"type":"boolean","default":true}}}},
          "choice":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}
        }}}}
        """), BuiltinSchemas.For("meta.v1.ObjectMeta"));

    [Fact]
    public void Unknown_fields_are_pruned_except_where_they_are_preserved()
    {
        var obj = Parse("""{"spec":{"name":"x","bad":1,"free":{"any":{"deep":1},"known":{"x":"1","y":"2"}},"items":[{"id":"a","z":1}]}}""");
        var unknown = new List<string>();
        SchemaWalk.Prune(obj, Sample, unknown);
        Assert.Equal(["spec.bad", "spec.free.known.y", "spec.items[0].z"], unknown.Order(StringComparer.Ordinal));
        Assert.Equal("""{"spec":{"name":"x","free":{"any":{"deep":1},"known":{"x":"1"}},"items":[{"id":"a"}]}}""", obj.ToJsonString());
    }

    [Fact]
    public void Defaults_are_filled_in_also_inside_of_lists_and_for_nulls()
    {
        var obj = Parse("""{"spec":{"size":null,"items":[{"id":"a"}]}}""");
        SchemaWalk.Default(obj, Sample);
        Assert.Equal("""{"spec":{"size":3,"items":[{"id":"a","on":true}]}}""", obj.ToJsonString());
    }

    [Theory]
    [InlineData("""{"spec":{}}""", "spec.name", "FieldValueRequired")]
    [InlineData("""{"spec":{"name":1}}""", "spec.name", "FieldValueTypeInvalid")]
    [InlineData("""{"spec":{"name":"UP"}}""", "spec.name", "FieldValueInvalid")]
    [InlineData("""{"spec":{"name":"toolong"}}""", "spec.name", "FieldValueTooLong")]
    [InlineData("""{"spec":{"name":"a","size":0}}""", "spec.size", "FieldValueInvalid")]
    [InlineData("""{"spec":{"name":"a","mode":"c"}}""", "spec.mode", "FieldValueNotSupported")]
    [InlineData("""{"spec":{"name":"a","port":true}}""", "spec.port", "FieldValueTypeInvalid")]
    [InlineData("""{"spec":{"name":"a","items":[{"id":"1"},{"id":"1"}]}}""", "spec.items[1]", "FieldValueDuplicate")]
    [InlineData("""{"spec":{"name":"a","choice":{"a":"1","b":"1"}}}""", "spec.choice", "FieldValueInvalid")]
    public void A_violation_names_its_field_and_Kubernetes_reason(string obj, string field, string reason)
    {
        var cause = Assert.Single(SchemaValidator.Validate(Parse(obj), Sample));
        Assert.Equal((field, reason), (cause.Field, cause.Reason));
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{}}}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array"}}}""")]
    [InlineData("""{"type":"string"}""")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}""")]
    public void A_schema_that_is_not_structural_is_refused(string schema) => Assert.NotEmpty(StructuralSchema.Problems(Parse(schema), "s"));

    [Fact]
    public void Built_in_schemas_know_types_and_merge_keys()
    {
        var spec = BuiltinSchemas.For("core.v1.Pod").Properties["spec"];
        Assert.Equal("name", spec.Properties["containers"].PatchMergeKey);
        Assert.Equal(["containerPort", "protocol"], spec.Properties["containers"].Items!.Properties["ports"].MapKeys);
        Assert.Equal(SchemaType.IntOrString, spec.Properties["containers"].Items!.Properties["resources"].Properties["limits"].AdditionalProperties!.Type);
        Assert.Equal("byte", BuiltinSchemas.For("core.v1.Secret").Properties["data"].AdditionalProperties!.Format);
    }

    [Fact]
    public void The_file_of_built_in_types_is_what_the_client_library_has()
    {
        var kinds = BuiltinResources.All().Concat(new Reviews(null!, null!, null!, null!, null!).Definitions())
            .Select(kind => $"{(kind.Key.Group.Length == 0 ? "core" : kind.Key.Group.Split('.')[0])}.{kind.Key.Version}.{kind.Kind}");
        var text = ClientTypes.File([.. kinds, "autoscaling.v1.Scale", "meta.v1.DeleteOptions", "meta.v1.ObjectMeta"]);
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Troupe.slnx")))
            root = root.Parent!;
        var file = Path.Combine(root.FullName, "DevCluster/Machinery/types.tsv");
        if (Environment.GetEnvironmentVariable("TROUPE_UPDATE_TYPES") is not null)
            File.WriteAllText(file, text);
        Assert.True(File.ReadAllText(file) == text, "types.tsv is out of date: TROUPE_UPDATE_TYPES=1 ./dev test The_file_of_built_in_types");
    }

    [Theory]
    [InlineData("core.v1.PodSpec", "io.k8s.api.core.v1.PodSpec")]
    [InlineData("rbac.v1.Role", "io.k8s.api.rbac.v1.Role")]
    [InlineData("meta.v1.ObjectMeta", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")]
    [InlineData("apiextensions.v1.CustomResourceDefinition", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition")]
    [InlineData("apiregistration.v1.APIService", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService")]
    public void A_built_in_type_has_Kubernetes_name_in_OpenAPI(string type, string name) => Assert.Equal(name, BuiltinSchemas.For(type).DefinitionName);

    [Fact]
    public void A_built_in_kind_has_the_path_that_Kubernetes_gives_it()
    {
        var paths = BuiltinResources.All().Select(kind => kind.Key).ToHashSet();
        Assert.Superset(new HashSet<ResourceKey>
        {
            new("", "v1", "endpoints"), new("networking.k8s.io", "v1", "ingresses"), new("networking.k8s.io", "v1", "networkpolicies"), new("autoscaling", "v2", "horizontalpodautoscalers"),
            new("storage.k8s.io", "v1", "storageclasses"), new("rbac.authorization.k8s.io", "v1", "roles"), new("apiregistration.k8s.io", "v1", "apiservices"), new("storage.k8s.io", "v1", "csidrivers"),
        }, paths);
    }

    [Theory]
    [InlineData(".spec.a", "1")]
    [InlineData(".spec['b.c']", "2")]
    [InlineData(".spec.b\\.c", "2")]
    [InlineData(".l[0].v", "x")]
    [InlineData(".l[-1].v", "y")]
    [InlineData(".l[?(@.t==\"B\")].v", "y")]
    [InlineData(".l[*].v", "x,y")]
    public void A_JSON_path_finds(string path, string expected) => Assert.Equal(expected,
        string.Join(',', new JsonPath(path).All(Parse("""{"spec":{"a":1,"b.c":2},"l":[{"t":"A","v":"x"},{"t":"B","v":"y"}]}""")).Select(n => n.Display())));

    [Theory]
    [InlineData(5, "5s")]
    [InlineData(200, "3m20s")]
    [InlineData(3000, "50m")]
    [InlineData(18_720, "5h12m")]
    [InlineData(100_000, "27h")]
    [InlineData(1_000_000, "11d")]
    public void Ages_are_shortened_as_kubectl_does(int seconds, string expected) => Assert.Equal(expected, Column.Duration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("a: yes", """{"a":true}""")]
    [InlineData("a: 0644", """{"a":420}""")]
    [InlineData("a: \"5\"", """{"a":"5"}""")]
    [InlineData("a: 1.0", """{"a":1}""")]
    [InlineData("a: ~\nb: [x, {c: -1}]", """{"a":null,"b":["x",{"c":-1}]}""")]
    public void YAML_is_read_as_Kubernetes_reads_it(string yaml, string json) => Assert.Equal(json, Yaml.Parse(yaml)!.ToJsonString());

    private static JsonObject Parse(string text) => JsonReader.ParseObject(System.Text.Encoding.UTF8.GetBytes(text));
}

using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Vmi;
using Troupe.Messages.Wire;
using Xunit;

namespace Troupe.Messages.Tests.Wire;

public sealed class WireTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Every_message_type_is_listed_once_under_a_versioned_name()
    {
        var concrete = typeof(IWireMessage).Assembly.GetTypes().Where(t => typeof(IWireMessage).IsAssignableFrom(t) && t is { IsAbstract: false, IsInterface: false }).ToHashSet();
        Assert.Equal(concrete.OrderBy(t => t.Name), WireCodec.Default.Types.Select(t => t.Type).OrderBy(t => t.Name));
        Assert.All(WireCodec.Default.Types, t => Assert.Matches(new Regex(@"^[a-z]+(\.[a-z-]+)+\.\d+$"), t.Manifest));
    }

    [Fact]
    public void Every_message_survives_the_way_to_bytes_and_back()
    {
        foreach (var type in WireCodec.Default.Types)
        {
            var message = Sample(type.Type, depth: 0)!;
            var bytes = WireCodec.Default.Encode(message);
            var back = WireCodec.Default.Decode(bytes, WireCodec.Default.ManifestOf(message));
            Assert.Equal(Encoding.UTF8.GetString(bytes), Encoding.UTF8.GetString(WireCodec.Default.Encode(back)));
        }
    }

    // A journal written by an earlier Troupe must stay readable: these bytes never change; a new shape gets a new version.
    public static TheoryData<string, string, IVmiEvent> Journaled => new()
    {
        { "vmi.event.pod-named.1", """{"podName":"virt-launcher-demo-abcde","at":"2026-11-22T10:00:00+00:00"}""", new PodNamed("virt-launcher-demo-abcde", At) },
        { "vmi.event.right-granted.1", """{"epoch":1,"node":"node-1","podUid":"p","at":"2026-11-22T10:00:00+00:00"}""", new RightGranted(1, "node-1", "p", At) },
        { "vmi.event.phase-entered.1", """{"phase":"Failed","reason":"r","message":"m","at":"2026-11-22T10:00:00+00:00"}""", new PhaseEntered("Failed", "r", "m", At) },
        { "vmi.event.stop-requested.1", """{"deadline":"2026-11-22T10:00:00+00:00","at":"2026-11-22T10:00:00+00:00"}""", new StopRequested(At, At) },
        { "vmi.event.domain-released.1", """{"at":"2026-11-22T10:00:00+00:00"}""", new DomainReleased(At) },
        { "vmi.event.retired.1", """{"at":"2026-11-22T10:00:00+00:00"}""", new VmiRetired(At) },
    };

    [Theory]
    [MemberData(nameof(Journaled))]
    public void The_bytes_of_a_journaled_event_never_change(string manifest, string json, IVmiEvent e)
    {
        Assert.Equal(manifest, WireCodec.Default.ManifestOf(e));
        Assert.Equal(json, Encoding.UTF8.GetString(WireCodec.Default.Encode(e)));
        Assert.Equal(e, WireCodec.Default.Decode(Encoding.UTF8.GetBytes(json), manifest));
    }

    [Fact]
    public void Fields_that_the_model_does_not_know_survive_a_read_and_write()
    {
        const string Json = """{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"name":"a","newMeta":1},"spec":{"domain":{"devices":{"newDevice":{"x":[1,2]}},"newDomain":true},"newSpec":"s"}}""";
        var vmi = JsonSerializer.Deserialize(Json, ApiJson.Default.VirtualMachineInstance)!;
        var back = JsonSerializer.SerializeToNode(vmi, ApiJson.Default.VirtualMachineInstance)!;
        Assert.Equal(1, (int)back["metadata"]!["newMeta"]!);
        Assert.True((bool)back["spec"]!["domain"]!["newDomain"]!);
        Assert.Equal("[1,2]", back["spec"]!["domain"]!["devices"]!["newDevice"]!["x"]!.ToJsonString());
    }

    [Theory]
    [InlineData("Messages", "")]
    [InlineData("Kubernetes", "Messages")]
    [InlineData("ControlPlane", "Messages Kubernetes")]
    [InlineData("NodeActors", "Messages Kubernetes")]
    [InlineData("Launcher", "Messages")]
    [InlineData("DevCluster", "Messages")]
    public void A_room_uses_only_the_rooms_it_may(string room, string allowed)
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Troupe.slnx")))
            root = Path.GetDirectoryName(root)!;
        var project = File.ReadAllText(Path.Combine(root, room, $"Troupe.{room}.csproj"));
        var used = Regex.Matches(project, @"ProjectReference Include=""\.\./(\w+)/").Select(m => m.Groups[1].Value);
        Assert.Empty(used.Except(allowed.Split(' ')));
    }

    private static object? Sample(Type type, int depth)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return "text";
        if (type == typeof(long)) return 7L;
        if (type == typeof(int)) return 7;
        if (type == typeof(double)) return 0.7;
        if (type == typeof(byte) || type == typeof(ushort) || type == typeof(uint)) return Convert.ChangeType(7, type, null);
        if (type == typeof(bool)) return true;
        if (type == typeof(DateTimeOffset)) return At;
        if (type == typeof(ReadOnlyMemory<byte>)) return new ReadOnlyMemory<byte>([1, 2, 3]);
        if (type.IsEnum) return Enum.GetValues(type).GetValue(1);
        if (type == typeof(VirtualMachineInstance)) return new VirtualMachineInstance { Kind = "VirtualMachineInstance", Spec = new VirtualMachineInstanceSpec { Hostname = "h" } };
        if (typeof(KubeObject).IsAssignableFrom(type)) return ((KubeObject)Activator.CreateInstance(type)!) with { Kind = type.Name, Metadata = new ObjectMeta { Name = "a" } };
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
        {
            var dictionary = (System.Collections.IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(type.GetGenericArguments()))!;
            dictionary["key"] = Sample(type.GetGenericArguments()[1], depth + 1);
            return dictionary;
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            var list = Array.CreateInstance(type.GetGenericArguments()[0], 1);
            list.SetValue(Sample(type.GetGenericArguments()[0], depth + 1), 0);
            return list;
        }

        if (typeof(Troupe.Messages.Api.Meta.ApiObject).IsAssignableFrom(type)) return Activator.CreateInstance(type);
        if (depth > 6) return null;
        if (type.GetCustomAttributes<System.Text.Json.Serialization.JsonDerivedTypeAttribute>().LastOrDefault() is { } derived) return Sample(derived.DerivedType, depth + 1);
        var constructor = type.GetConstructors().Where(c => c.GetParameters() is not [var p] || p.ParameterType != type).OrderByDescending(c => c.GetParameters().Length).First();
        var value = constructor.Invoke([.. constructor.GetParameters().Select(p => Sample(p.ParameterType, depth + 1))]);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.SetMethod is not null))
            property.SetValue(value, Sample(property.PropertyType, depth + 1));
        return value;
    }
}

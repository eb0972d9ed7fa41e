using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>Presets: settings for VMIs that say nothing themselves.</summary>
public class PresetTests
{
    private static readonly LabelSelector Everything = new();
    private readonly AdmissionHarness _harness = new();

    [Fact]
    public async Task A_presets_timers_join_a_clock_that_has_none()
    {
        Add("p", new DomainSpec { Clock = new Clock { Timer = new Messages.Api.KubeVirt.Timer { Hpet = new HPETTimer { Present = false } } } });

        var (_, stored) = await _harness.CreateAsync(Objects.Vmi().Set("spec.domain.clock", """{ "timezone": "Europe/Berlin" }"""));

        Assert.Equal("""{"timer":{"hpet":{"present":false}},"timezone":"Europe/Berlin"}""", InstanceDefaultTests.At(stored!, "spec.domain.clock")!.ToJsonString());
        Assert.Equal("kubevirt.io/v1", (string?)stored!["metadata"]!["annotations"]!["virtualmachinepreset.kubevirt.io/p"]);
    }

    [Fact]
    public async Task Presets_that_add_to_each_other_do_not_contradict()
    {
        Add("a", new DomainSpec { Clock = new Clock { Timer = new Messages.Api.KubeVirt.Timer { Hpet = new HPETTimer() } }, IoThreadsPolicy = "auto" });
        Add("b", new DomainSpec { Clock = new Clock(), Cpu = new CPU { Cores = 2 } });

        var (verdict, stored) = await _harness.CreateAsync(Objects.Vmi());

        Assert.Null(verdict.Refusal?.Message);
        Assert.Equal("auto", (string?)InstanceDefaultTests.At(stored!, "spec.domain.ioThreadsPolicy"));
        Assert.Equal(2, (int?)InstanceDefaultTests.At(stored!, "spec.domain.cpu.cores"));
    }

    [Fact]
    public async Task Presets_that_contradict_each_other_are_named()
    {
        Add("a", new DomainSpec { IoThreadsPolicy = "auto", Cpu = new CPU { Cores = 1 } });
        Add("b", new DomainSpec { IoThreadsPolicy = "shared", Cpu = new CPU { Cores = 2 } });

        var (verdict, _) = await _harness.CreateAsync(Objects.Vmi());

        Assert.Equal(422, verdict.Refusal!.Code);
        Assert.Equal("VirtualMachinePresets cannot be applied due to conflicts: presets 'b' and 'a' conflict: [spec.cpu differs, spec.ioThreadsPolicy: shared != auto]", verdict.Refusal.Message);
    }

    [Fact]
    public async Task A_preset_whose_selector_can_not_be_read_stops_all()
    {
        Add("p", new DomainSpec(), new LabelSelector { MatchExpressions = [new LabelSelectorRequirement { Key = "a", Operator = "Near" }] });

        Assert.Equal("\"Near\" is not a valid label selector operator", (await _harness.CreateAsync(Objects.Vmi())).Verdict.Refusal?.Message);
    }

    private void Add(string name, DomainSpec domain, LabelSelector? selector = null) => _harness.Objects.Add(new VirtualMachineInstancePreset
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default" },
        Spec = new VirtualMachineInstancePresetSpec { Selector = selector ?? Everything, Domain = domain },
    });
}
